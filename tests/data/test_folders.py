"""Folders of pictures: every format, every layout, and whatever can be wrong with a file."""

from __future__ import annotations

import os

import keras
import numpy as np
import pytest
from PIL import Image

from tests.data.data_files import everything, picture, write_classes
from zoo.data import load_data
from zoo.data.folders import complete
from zoo.data.listing import list_pictures
from zoo.data.pictures import PictureFormat, picture_shape, read_picture
from zoo.errors import DataError, SpecError

LOSSLESS = {".png": "PNG", ".tif": "TIFF", ".TIFF": "TIFF", ".bmp": "BMP", ".gif": "GIF"}


def load(folder, **options):
    return load_data(folder, progress=False, **options)


def test_a_folder_a_class_is_a_set_with_names_divided_class_by_class(tmp_path):
    folder = write_classes(tmp_path / "pets", ("cat", "dog", "eel"), 12)
    data = load(folder)
    assert (data.name, data.class_names) == ("pets", ("cat", "dog", "eel"))
    assert (data.shape, data.skipped) == ((9, 12, 3), ())
    for split, count in ((data.train, 8), (data.validation, 2), (data.test, 2)):
        assert np.bincount(split.labels).tolist() == [count] * 3
    assert everything(data) == {
        np.asarray(picture(n)).tobytes(): ("cat", "dog", "eel")[n // 12] for n in range(36)
    }
    assert load(folder).fingerprint == data.fingerprint
    assert load(folder, seed=1).fingerprint != data.fingerprint
    assert len(load(folder, test=0.5, validation=0.25).test) == 18
    # Its order is mixed, so that the first images are not all of one class.
    assert len(set(data.train.labels[:12])) > 1


def test_keras_reads_the_same_folder_alike(tmp_path):
    folder = write_classes(tmp_path / "pets", ("b", "a", "C"), 3)
    theirs = keras.utils.image_dataset_from_directory(
        folder, image_size=(9, 12), batch_size=None, shuffle=False, verbose=False
    )
    data = load(folder)
    assert list(data.class_names) == theirs.class_names
    pairs = {
        image.astype(np.uint8).tobytes(): theirs.class_names[label]
        for image, label in theirs.as_numpy_iterator()
    }
    assert everything(data) == pairs


def test_folders_of_train_val_and_test_are_the_splits(tmp_path):
    for part, seeds in (("train", 10), ("val", 2), ("test", 3)):
        write_classes(tmp_path / "pets" / part, count=seeds)
    data = load(tmp_path / "pets")
    assert [len(data.train), len(data.validation), len(data.test)] == [20, 4, 6]
    with pytest.raises(SpecError, match=r"validation images of its own: leave validation=0\.1"):
        load(tmp_path / "pets", validation=0.1)
    with pytest.raises(SpecError, match="names its own classes: leave class_names= away"):
        load(tmp_path / "pets", class_names=("a", "b"))
    only_train = load(tmp_path / "pets" / "train")
    assert [len(only_train.train), len(only_train.validation)] == [12, 4]
    (tmp_path / "pets" / "val").rename(tmp_path / "elsewhere")
    data = load(tmp_path / "pets")
    assert [len(data.train), len(data.validation), len(data.test)] == [16, 4, 6]


def test_two_folders_of_one_part_are_refused(tmp_path):
    folder = tmp_path / "pets"
    for part, count in (("train", 10), ("val", 10), ("validation", 2)):
        write_classes(folder / part, count=count)
    with pytest.raises(DataError, match="has 'val' and 'validation', which are both the valid"):
        load(folder)
    (folder / "validation").rename(tmp_path / "elsewhere")
    write_classes(folder / "training")
    with pytest.raises(DataError, match="has 'train' and 'training', which are both the train"):
        load(folder)


def test_folders_and_pictures_that_belong_to_no_class_are_told(tmp_path):
    folder = write_classes(tmp_path / "pets")
    picture(0).save(folder / "loose.png")
    (folder / "README.txt").write_text("pets")
    (folder / ".hidden.png").write_text("")
    with pytest.warns(UserWarning, match="left out 'loose.png': it is in no class folder"):
        assert len(load(folder).skipped) == 1
    parts = write_classes(tmp_path / "set" / "train").parent
    write_classes(parts, ("eel", "fox"))
    picture(0).save(parts / "train" / "loose.png")
    picture(0).save(parts / "1.png")
    with pytest.warns(UserWarning, match="left out 'eel': it is beside train, and no part"):
        data = load(parts)
    assert data.class_names == ("cat", "dog")
    assert [line.split(":")[0] for line in data.skipped] == [
        "'eel'", "'fox'", "'1.png'", "'train/loose.png'",
    ]  # fmt: skip


def test_every_format_is_read_by_what_it_is_and_not_by_its_name(tmp_path):
    folder = write_classes(tmp_path / "pets", count=3)
    for number, (ending, kind) in enumerate(LOSSLESS.items()):
        grey = picture(100 + number, mode="L")
        grey.save(folder / "cat" / f"one{ending}", kind)
    picture(110).save(folder / "cat" / "really.jpg", "PNG")
    picture(111).save(folder / "cat" / "p.webp", "WEBP", lossless=True)
    picture(112).save(folder / "dog" / "p.jpeg", "JPEG", quality=100, subsampling=0)
    data = load(folder)
    found = everything(data)
    for number in range(len(LOSSLESS)):
        grey = np.asarray(picture(100 + number, mode="L"))
        assert found[np.repeat(grey[..., None], 3, axis=2).tobytes()] == "cat"
    assert found[np.asarray(picture(110)).tobytes()] == "cat"
    assert found[np.asarray(picture(111)).tobytes()] == "cat"
    assert (data.shape, len(found)) == ((9, 12, 3), 14)
    grey = load(folder, channels=1)
    assert grey.shape == (9, 12, 1)
    assert np.asarray(picture(103, mode="L")).tobytes() in everything(grey)


def test_grey_pictures_alone_have_one_channel(tmp_path):
    data = load(write_classes(tmp_path / "pets", mode="L"))
    assert data.shape == (9, 12, 1)


def test_transparent_parts_are_white_and_phone_pictures_turned_and_16_bits_cut(tmp_path):
    folder = write_classes(tmp_path / "pets", mode="L", size=(4, 6))
    clear = np.zeros((4, 6, 4), np.uint8)
    clear[0] = 255, 0, 0, 255
    Image.fromarray(clear).save(folder / "cat" / "clear.png")
    turned = picture(50, size=(6, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    turned.save(folder / "cat" / "turned.png", exif=exif)
    deep = np.arange(24, dtype=np.uint16).reshape(4, 6) * 2000
    Image.fromarray(deep).save(folder / "dog" / "deep.png")
    found = everything(load(folder))
    white = np.full((4, 6, 3), 255, np.uint8)
    white[0] = 255, 0, 0
    assert found[white.tobytes()] == "cat"
    assert found[np.rot90(np.asarray(turned), -1).tobytes()] == "cat"
    assert found[np.repeat(deep[..., None] >> 8, 3, axis=2).astype(np.uint8).tobytes()] == "dog"


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_tiffs_are_turned_once(tmp_path, mode, compression):
    """Pillow turns them by itself as it loads them, unlike PNG and JPEG files."""
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
    plain = Image.fromarray(grey).convert(mode if mode != "I;16" else "L")
    if mode == "I;16":
        plain = Image.fromarray(grey.astype(np.uint16) * 256)
    assert plain.mode == mode
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    plain.save(tmp_path / "turned.tif", exif=exif, compression=compression)
    plain.save(tmp_path / "plain.tif", compression=compression)
    form = PictureFormat()
    upright = read_picture(tmp_path / "plain.tif", form)
    turned = read_picture(tmp_path / "turned.tif", form)
    np.testing.assert_array_equal(turned, np.rot90(upright, -1))
    assert picture_shape(tmp_path / "turned.tif") == turned.shape
    assert (upright[..., 0] == grey).all() or mode == "CMYK"


def test_every_drawn_part_has_every_class_whatever_is_damaged(tmp_path):
    folder = write_classes(tmp_path / "pets", count=8)
    cats = sorted((folder / "cat").iterdir())
    for path in cats[:5]:
        path.write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="left out"):
        data = load(folder)
    assert [len(np.unique(split.labels)) for split in (data.validation, data.test)] == [2, 2]
    cats[5].write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"The class 'cat' has 2 image\(s\), too few"):
        load(folder)


def test_a_drawn_part_that_loses_a_class_later_is_refused(tmp_path):
    """The header of a cut picture is whole."""
    folder = write_classes(tmp_path / "pets", count=8)
    for path in (folder / "cat").iterdir():
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cat"):
        load(folder)


def test_a_set_that_is_refused_is_not_kept_on_the_disk(tmp_path):
    folder, shares = write_classes(tmp_path / "pets", count=8), {"validation": None, "test": None}
    for path in [*folder.rglob("*.png")]:  # of a cut BMP file the header is whole
        Image.open(path).save(path.with_suffix(".bmp"))
        path.unlink()
    for path, label in complete(list_pictures(folder), shares, 0).files["validation"]:
        if label == 0:
            path.write_bytes(path.read_bytes()[:-30])
    for _ in range(2):
        with pytest.raises(DataError, match="No picture of 'cat' that was drawn for validation"):
            load(folder, cache=tmp_path / "cache")


def test_a_long_name_is_kept_on_the_disk(tmp_path):
    folder = write_classes(tmp_path / ("n" * 245), count=6)
    data = load(folder, cache=tmp_path / "cache")
    assert data.name == "n" * 245
    assert load(folder, cache=tmp_path / "cache").fingerprint == data.fingerprint


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_mixed_sizes_come_to_one_by_the_rule_that_is_named(tmp_path, resize):
    folder = write_classes(tmp_path / "pets", size=(20, 20), mode="L")
    bar = np.zeros((10, 40), np.uint8)
    bar[:, 15:25] = 200
    Image.fromarray(bar).save(folder / "cat" / "bar.png")
    with pytest.raises(DataError, match=r"2 sizes, from .*20.* to .*: say which .*--size"):
        load(folder)
    data = load(folder, size=(10, 10), resize=resize)
    assert data.shape == (10, 10, 1)
    pixels = [np.frombuffer(raw, np.uint8).reshape(10, 10) for raw in everything(data)]
    assert sum(_like_the_bar(image, resize) for image in pixels) == 1


def _like_the_bar(image: np.ndarray, resize: str) -> bool:
    """Whether this is the bar, 10 of 40 pixels wide and all of 10 high, brought to 10x10."""
    if resize == "stretch":
        return bool((image[:, 4:6] > 150).all() and not image[:, [0, 1, 8, 9]].any())
    if resize == "crop":
        return bool((image == 200).all())
    return bool(not image[:3].any() and not image[7:].any() and (image[4:6, 4:6] > 150).all())


def test_files_that_cannot_be_read_are_left_out_and_told(tmp_path):
    folder = write_classes(tmp_path / "pets")
    (folder / "cat" / "text.png").write_text("no picture")
    whole = (folder / "cat" / "0.png").read_bytes()
    (folder / "cat" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "cat" / "empty.jpg").write_bytes(b"")
    (folder / "dog" / "notes.txt").write_text("notes")
    (folder / "dog" / "new\nline.png").write_text("no picture")
    (folder / "dog" / ".hidden").write_text("no matter")
    (folder / "dog" / "self.png").symlink_to("self.png")
    (folder / "dog" / "gone.png").symlink_to("nowhere.png")
    (folder / "dog" / "loop").symlink_to(folder)
    os.mkfifo(folder / "dog" / "pipe.png")
    Image.new("1", (10_000, 10_000)).save(folder / "dog" / "huge.png")
    with pytest.warns(UserWarning, match="pets: left out '.*; '.* and 7 more") as caught:
        data = load(folder)
    assert len(everything(data)) == 12
    assert len(caught) == 1
    reasons = {line.split(": ")[0]: line.split(": ", 1)[1] for line in data.skipped}
    assert all("\n" not in line for line in data.skipped)
    expected = {
        "'cat/text.png'": "no picture in the formats PNG",
        "'cat/cut.png'": "damaged",
        "'cat/empty.jpg'": "no picture",
        "'dog/notes.txt'": "none of the endings",
        "'dog/new\\nline.png'": "no picture",
        "'dog/self.png'": "symbolic links",
        "'dog/gone.png'": "No such file",
        "'dog/loop'": "a folder that it lies in",
        "'dog/pipe.png'": "no regular file",
        "'dog/huge.png'": "more than 50,000,000 pixels",
    }
    for name, reason in expected.items():
        assert reason in reasons[name], (name, reasons)


def test_a_link_to_a_folder_above_is_told_and_others_are_followed(tmp_path):
    folder = write_classes(tmp_path / "pets")
    (folder / "cat" / "round").symlink_to(folder / "cat")
    (folder / "eel").symlink_to(write_classes(tmp_path / "others", ("eel",)) / "eel")
    with pytest.warns(UserWarning, match="'cat/round': it is a link to a folder that it lies in"):
        data = load(folder)
    assert data.class_names == ("cat", "dog", "eel")
    assert len(data.train) + len(data.validation) + len(data.test) == 18


def test_folders_that_are_no_set_are_refused_in_one_line(tmp_path):
    def said(**options) -> str:
        with pytest.raises(DataError) as caught:
            load(folder, **options)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    folder = tmp_path / "pets"
    folder.mkdir()
    assert "neither class folders nor the four IDX files" in said()
    write_classes(folder, ("cat",))
    assert "one class only, 'cat'" in said()
    (folder / "dog").mkdir()
    assert "dog' has no picture" in said()
    picture(0).save(folder / "dog" / "1.png")
    assert "'dog' has 1 image(s), too few for train, validation, test" in said()
    (folder / "dog" / "1.png").write_text("")
    (folder / "new\nline").mkdir()
    assert r"'new\nline' is no name for a class" in said()


def test_single_pixels_and_other_classes_in_the_test_are_refused(tmp_path):
    folder = write_classes(tmp_path / "dots", size=(1, 1))
    with pytest.raises(DataError, match="1x1: a single pixel shows nothing"):
        load(folder)
    assert load(folder, size=(2, 2)).shape == (2, 2, 3)
    write_classes(tmp_path / "pets" / "train")
    write_classes(tmp_path / "pets" / "test", ("cat", "dog", "eel"))
    with pytest.raises(DataError, match="'eel' has no training pictures: train and test need"):
        load(tmp_path / "pets")


def test_a_class_without_a_readable_picture_is_refused(tmp_path):
    folder = write_classes(tmp_path / "pets")
    for number in range(6):
        (folder / "dog" / f"{number}.png").write_text("no picture")
    with pytest.raises(DataError, match=r"no training image has 'dog', .* unusable: 6 file"):
        load(folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 32}, "size must be .height, width."),
        ({"size": (0, 5)}, "size must be"),
        ({"size": (5.0, 5)}, "size must be"),
        ({"channels": 2}, "channels must be 1 .grey. or 3"),
        ({"resize": "zoom"}, "one of stretch, crop, pad, not 'zoom'"),
        ({"test": 1.5}, "test must be a share"),
        ({"test": 0}, "test must be a share"),
        ({"test": 0.5, "validation": 0.5}, "nothing to train on"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, options, message):
    folder = write_classes(tmp_path / "pets")
    with pytest.raises(SpecError, match=message):
        load(folder, **options)
