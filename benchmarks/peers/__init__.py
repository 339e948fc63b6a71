"""The programs that we are measured against."""
