"""Augmentation: a function of (seed, epoch, row); each change does what it says and nothing else."""

import numpy as np
import pytest
import torch

from modelwright.data.augmentation import Augmentation, Crop, Flip, Shift, Veil, augment, mirrored
from modelwright.data.draws import draws
from modelwright.reader import kinds

HEIGHT = 300
PICTURES = torch.from_numpy(np.random.default_rng(0).integers(1, 256, (HEIGHT, 3, 9, 7), dtype=np.uint8))
IDS = np.arange(HEIGHT) * 13 + 5
CHANGES = [Flip(), Shift(2), Crop(3), Crop(12)]
REAL = 1 + IDS % 12
SERIES = torch.where(torch.arange(12)[:, None] < torch.from_numpy(REAL)[:, None, None], 1.0, 0.0).expand(-1, -1, 6).contiguous()
VEILS = [Veil(4, 2), Veil(0, 6), Veil(99, 0)]


def changed(change, places=slice(None), seed=0, epoch=0):
    return augment(PICTURES[places], (change,), IDS[places], seed, epoch)


def test_every_kind_is_tried():
    assert {type(change) for change in [*CHANGES, *VEILS]} == set(kinds(Augmentation))


@pytest.mark.parametrize("change", CHANGES, ids=repr)
def test_a_row_changes_the_same_in_any_batch(change):
    whole = changed(change)
    assert whole.shape == PICTURES.shape and whole.dtype == torch.uint8
    for places in (slice(0, 1), slice(7, 40), slice(None, None, 9)):
        assert torch.equal(changed(change, places), whole[places])
    mixed = np.random.default_rng(1).permutation(HEIGHT)
    assert torch.equal(changed(change, mixed), whole[mixed])


@pytest.mark.parametrize("change", CHANGES, ids=repr)
def test_another_epoch_or_seed_is_another_change(change):
    first = changed(change)
    for other in (changed(change, epoch=1), changed(change, seed=1)):
        assert (first != other).flatten(1).any(1).float().mean() > 0.4
    assert torch.equal(first, changed(change))


@pytest.mark.parametrize("change", CHANGES, ids=repr)
def test_the_pictures_handed_over_are_left_alone(change):
    before = PICTURES.clone()
    changed(change)
    assert torch.equal(PICTURES, before)


def test_a_flip_is_one_time_in_two():
    flipped = changed(Flip())
    mirrored_rows = (flipped == PICTURES.flip(3)).flatten(1).all(1)
    kept = (flipped == PICTURES).flatten(1).all(1)
    assert torch.equal(mirrored_rows, ~kept)
    assert 0.4 < mirrored_rows.float().mean() < 0.6


def found_at(picture, whole, height, width):
    """Where in `whole` (C, H, W) the picture lies."""
    return [
        (down, right)
        for down in range(whole.shape[1] - height + 1)
        for right in range(whole.shape[2] - width + 1)
        if np.array_equal(whole[:, down : down + height, right : right + width], picture)
    ]


@pytest.mark.parametrize(("change", "mode", "pad"), [(Shift(2), "constant", 2), (Crop(3), "reflect", 3)])
def test_a_shift_or_crop_is_a_window_of_the_padded_picture(change, mode, pad):
    """numpy's own padding is the reference; every place comes up."""
    places = set()
    for before, after in zip(PICTURES.numpy(), changed(change).numpy()):
        padded = np.pad(before, ((0, 0), (pad, pad), (pad, pad)), mode=mode)
        found = found_at(after, padded, 9, 7)
        assert len(found) == 1
        places.update(found)
    assert len(places) > 0.95 * (2 * pad + 1) ** 2


@pytest.mark.parametrize("length", [1, 2, 3, 8])
@pytest.mark.parametrize("pad", [1, 2, 5, 20])
def test_mirrors_are_numpys(length, pad):
    np.testing.assert_array_equal(mirrored(length, pad), np.pad(np.arange(length), pad, mode="reflect"))


def test_each_change_draws_for_itself():
    once = augment(PICTURES, (Flip(),), IDS, 0, 0)
    twice = augment(PICTURES, (Flip(), Flip()), IDS, 0, 0)
    second = Flip()(once.numpy(), draws(IDS, "augment", 1, 0, 0))
    assert np.array_equal(twice.numpy(), second) and not torch.equal(twice, PICTURES)


@pytest.mark.parametrize("change", CHANGES, ids=repr)
def test_no_picture_and_one(change):
    assert changed(change, slice(0, 0)).shape == (0, 3, 9, 7)
    single = augment(PICTURES[:1, :, :1, :1], (change,), IDS[:1], 0, 0)
    assert single.shape == (1, 3, 1, 1)


# --- series -------------------------------------------------------------------------------------------------------------


def veiled(change, places=slice(None), seed=0, epoch=0, longest=12):
    return augment(SERIES[places, :longest], (change,), IDS[places], seed, epoch, REAL[places])


@pytest.mark.parametrize("change", VEILS, ids=repr)
def test_a_series_is_veiled_the_same_in_any_batch_and_under_any_padding(change):
    whole = veiled(change)
    assert whole.dtype == torch.float32 and torch.equal(whole, veiled(change))
    for other in (veiled(change, epoch=1), veiled(change, seed=1)):
        assert not torch.equal(whole, other)
    for place in range(40):
        assert torch.equal(veiled(change, slice(place, place + 1), longest=REAL[place])[0], whole[place, : REAL[place]])
    assert SERIES.sum() == 6 * REAL.sum(), "what was handed over is left alone"


def test_a_veil_is_one_stretch_of_steps_and_one_of_features_anywhere():
    steps, features = veiled(Veil(4, 0)), veiled(Veil(0, 3))
    widths = [[], []]
    for row, real in enumerate(REAL):
        gone = (steps[row, :real, 0] == 0).nonzero().flatten().tolist()
        deaf = (features[row, 0] == 0).nonzero().flatten().tolist()
        assert len(gone) <= min(4, real // 2) and len(deaf) <= 3
        for stretch, found in zip((gone, deaf), widths):
            assert stretch == list(range(stretch[0], stretch[0] + len(stretch))) if stretch else True
            found.append(len(stretch))
        assert (steps[row, :real].sum(1) == 6 * (steps[row, :real, 0] != 0)).all(), "a step is hidden whole"
    assert set(widths[0]) == {0, 1, 2, 3, 4} and set(widths[1]) == {0, 1, 2, 3}
    hidden = (features[:, 0] == 0).float().mean(0)
    assert (hidden > 0.1).all(), "every feature is hidden at times"
