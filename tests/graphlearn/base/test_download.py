import io

import pytest

from graphlearn.base.download import download, download_file
from graphlearn.base.errors import InputError


@pytest.mark.parametrize("url", ["http://x.org/a", "file:///etc/hostname", "ftp://x.org/a"])
def test_only_encrypted_transport_is_used(url, tmp_path):
    with pytest.raises(ValueError, match="does not begin with https://"):
        download(url)


def test_a_download_has_a_bound_that_a_known_size_raises(tmp_path, monkeypatch):
    monkeypatch.setattr("graphlearn.base.download.urlopen", lambda url, timeout: io.BytesIO(bytes(3_000_000)))
    monkeypatch.setenv("GRAPHLEARN_MAX_UNPACKED_MB", "2")
    with pytest.raises(InputError, match="holds more than 2 MB"):
        download("https://x.org/a")
    download_file("https://x.org/a", tmp_path / "a", least=3_000_000)
    assert (tmp_path / "a").stat().st_size == 3_000_000
