"""ESM-2 with a tiny network of random weights: pieces, cache, and training on what it says."""

from __future__ import annotations

import numpy as np
import pytest
from protein_files import make_chain

from graphlearn.base.errors import InputError
from graphlearn.datasets import ProteinGO
from graphlearn.proteins import NUM_FEATURES
from graphlearn.proteins.ontology.annotations import Annotations
from graphlearn.proteins.sequence.embeddings import OVERLAP, EsmEmbedder
from graphlearn.proteins.structure.chain_store import ChainStore

transformers = pytest.importorskip("transformers", reason="needs the extra graphlearn[esm]")
LETTERS = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCX", "<mask>"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import torch

    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("esm")
    (place / "vocab.txt").write_text("\n".join(LETTERS))
    transformers.EsmTokenizer(str(place / "vocab.txt")).save_pretrained(place)
    config = transformers.EsmConfig(
        vocab_size=len(LETTERS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        pad_token_id=1, mask_token_id=len(LETTERS) - 1, position_embedding_type="rotary", max_position_embeddings=1026,
    )  # fmt: skip
    transformers.EsmModel(config, add_pooling_layer=False).save_pretrained(place, safe_serialization=True)
    return place


def test_every_residue_has_an_embedding_that_depends_on_its_neighbours(folder):
    embed = EsmEmbedder(folder, cache=False)
    one, other = embed("MKTAYIAKQR"), embed("MKTAYIAKQW")
    assert one.shape == (10, embed.width) == (10, 16)
    assert np.array_equal(one, embed("MKTAYIAKQR"))
    assert (one != other).any(1).all()


def test_long_chains_are_embedded_in_pieces(folder):
    embed = EsmEmbedder(folder, cache=False, longest=2 * OVERLAP + 40)
    sequence = "MKTAYIAKQR" * 40
    found = embed(sequence)
    assert found.shape == (400, 16)
    assert np.isfinite(found).all()
    assert np.array_equal(found[:OVERLAP], embed(sequence[: embed.longest])[:OVERLAP])


def test_embeddings_are_kept_and_damaged_ones_made_anew(folder, tmp_path):
    embed = EsmEmbedder(folder, cache=tmp_path)
    found = embed("MKTAYIAKQR")
    (file,) = tmp_path.rglob("*.safetensors")
    embed.model = None  # whatever comes now comes from the disk
    assert np.array_equal(embed("MKTAYIAKQR"), found)
    file.write_bytes(b"damaged")
    assert np.array_equal(EsmEmbedder(folder, cache=tmp_path)("MKTAYIAKQR"), found)


def test_embeddings_are_features_of_the_graph(folder):
    chains = [make_chain(20, seed, name=f"{seed}ABC-A") for seed in range(2)]
    data = ProteinGO(
        ChainStore.of(chains), Annotations((), {}, {c.name: frozenset() for c in chains}), {},
        chains=[c.name for c in chains], embed=EsmEmbedder(folder, cache=False),
    )  # fmt: skip
    graph = data[0]
    assert graph.features.shape == (20, NUM_FEATURES + 16)
    assert np.allclose(graph.features[:, NUM_FEATURES:].numpy(), data.options.embed(chains[0].sequence))


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no ESM-2 model"):
        EsmEmbedder(tmp_path)
    with pytest.raises(InputError, match="longer than"):
        EsmEmbedder(tmp_path, longest=10)


def test_weights_that_are_pickles_are_not_read(folder, tmp_path):
    import shutil

    import torch
    from safetensors.torch import load_file

    shutil.copytree(folder, tmp_path / "esm")
    torch.save(load_file(tmp_path / "esm/model.safetensors"), tmp_path / "esm/pytorch_model.bin")
    (tmp_path / "esm/model.safetensors").unlink()
    with pytest.raises(InputError, match=r"no model\.safetensors; other forms are not read"):
        EsmEmbedder(tmp_path / "esm", cache=False)
    (tmp_path / "esm/model.safetensors").write_bytes(b"half")
    with pytest.raises(InputError, match="holds no ESM-2 model"):
        EsmEmbedder(tmp_path / "esm", cache=False)


def test_code_in_the_folder_is_not_run(folder, tmp_path):
    import json
    import shutil

    place = shutil.copytree(folder, tmp_path / "esm")
    (place / "evil.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')\nclass Evil: pass\n")
    mapped = {"AutoTokenizer": ["evil.Evil", None], "AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"}
    for name in ("config.json", "tokenizer_config.json"):
        content = json.loads((place / name).read_text()) if (place / name).is_file() else {}
        (place / name).write_text(json.dumps({**content, "auto_map": mapped}))
    assert EsmEmbedder(place, cache=False)("MKTAY").shape == (5, 16)
    assert not (tmp_path / "was-run").exists()
