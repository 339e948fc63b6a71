"""Files of GGUF: the decoder of Llama's shape, its own tokenizer, weights in fewer bits. Verb: adopt."""
