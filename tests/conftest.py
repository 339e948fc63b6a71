"""What all tests share: a cache and a folder of keys of their own, so that no test reads what another or the user left."""

import os

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")  # the same cases each time: a new one is found by hand and pinned, not by a landing


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELWRIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MODELWRIGHT_CONFIG", str(tmp_path_factory.mktemp("config")))
        patch.setenv("LANG", "C.UTF-8")
        for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
            patch.delenv(name, raising=False)
        yield
