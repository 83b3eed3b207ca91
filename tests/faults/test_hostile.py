"""Files of a stranger: nothing in them runs, nothing is written elsewhere, nothing hangs, and a refusal is one line."""

import gzip
import hashlib
import html
import io
import json
import os
import pickle
import shutil
import socket
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from tests.faults.conftest import ENCODER, FULL, HTML, OF_RUN, OF_STUDY, RUN, count

from entrec.data.sources import imagenet
from entrec.data.stand_in import Amount, write_stand_in
from entrec.pipeline.jobs import TABLES
from entrec.results.files import digest_of
from entrec.yaml_reader import read_yaml

pytestmark = pytest.mark.faults
LIMIT = 60  # seconds
OPEN = pytest.mark.xfail(reason="not mended yet")
MEMORY_KB = 1_500_000  # resident memory that no step may take on a hostile file
EVERY = count(1, 13)  # one of so many cases is tried
ARRAY = f"prepare {OF_STUDY} --dataset small --output out/small"
SHARDS = f"prepare {OF_STUDY} --dataset photos --output out/photos"
PRETRAIN = f"pretrain {OF_RUN} --data data/tiny/small --output out"
EVALUATE = f"evaluate {OF_RUN} --data data/tiny/small {ENCODER} --output out/evaluation.json"
TRANSFER = f"transfer {OF_RUN} --dataset photos --data data/tiny/photos {ENCODER} --output out/to.json"
TABLE = f"table {OF_STUDY} --results results/tiny --name table_1 --output out"
INFORMATION = f"table {OF_STUDY} --results results/tiny --name table_information --output out"
CHECK = "check params/tiny.yaml"
PICTURE, SMALL, PHOTOS = Path("images/small/ant/x.png"), Path("data/tiny/small"), Path("data/tiny/photos")
RESULTS = Path("results/tiny", RUN)
CASES = []


def case(*commands, says=None, marks=()):
    """Register a function that plants a file; each command must name `says` in one line, or leave the file out."""

    def register(plant):
        for number, command in enumerate(commands):
            name = f"{plant.__name__}-{command.split()[0]}-{number}"
            CASES.append(pytest.param(plant, command, says, marks=marks, id=name))
        return plant

    return register


def outside(folder):
    """What lies beside and above the folder that a hostile file could reach with `../`."""
    return sorted(os.listdir(folder.parent)), sorted(os.listdir(folder.parents[1]))


class Evil:
    """Its pickle makes the folder `ran` where it is loaded."""

    def __reduce__(self):
        return os.mkdir, (os.path.abspath("ran"),)


# images ---------------------------------------------------------------------------------------------------------------


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, *chunks, pixels=b"\0" * 1000):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    middle = b"".join(chunk(*one) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + header + middle + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def both(content, *, name="x.png"):
    for dataset in ("small", "photos"):
        Path(f"images/{dataset}/ant/{name}").write_bytes(content)


@case(ARRAY, SHARDS, says="x.png")
def image_of_a_billion_pixels():
    both(png(60_000, 60_000))


@case(ARRAY, SHARDS, says="x.png")
def image_wider_than_any():
    both(png(2**31 - 1, 1))


@case(ARRAY, SHARDS, says="x.png")
def text_that_unpacks_to_a_gigabyte():
    bomb = zlib.compress(b"\0" * 100_000_000, 9)
    both(png(9, 9, (b"zTXt", b"a\0\0" + bomb)))


@case(ARRAY, SHARDS, says="x.png")
def profile_that_unpacks_to_a_gigabyte():
    bomb = zlib.compress(b"\0" * 100_000_000, 9)
    both(png(9, 9, (b"iCCP", b"a\0\0" + bomb)))


@case(ARRAY, SHARDS, says="x.tiff")
def tiff_with_endless_directories():
    both(struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", 0) + struct.pack("<I", 8), name="x.tiff")


@case(ARRAY, SHARDS, says="x.tiff")
def tiff_with_a_tag_of_four_gigabytes():
    tag = struct.pack("<HHII", 256, 4, 2**30 - 1, 8)
    both(struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", 1) + tag + struct.pack("<I", 0), name="x.tiff")


@case(ARRAY, SHARDS, says="x.gif")
def gif_of_the_largest_size():
    both(b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0\0\0,\0\0\0\0" + struct.pack("<HH", 65535, 65535) + b"\0",
         name="x.gif")  # fmt: skip


@case(ARRAY, SHARDS, says="x.ppm")
def ppm_with_a_size_of_many_digits():
    both(b"P6\n" + b"9" * 5000 + b" 1\n255\n", name="x.ppm")


@case(ARRAY, SHARDS, says="x.png")
def postscript_under_another_name():
    both(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(ran) (w) file closefile\nshowpage\n")


@case(ARRAY, SHARDS)
def fifo_among_the_images():
    for dataset in ("small", "photos"):
        os.mkfifo(f"images/{dataset}/ant/x.png")


@case(ARRAY, SHARDS)
def devices_among_the_images():
    for dataset in ("small", "photos"):
        for name in ("zero", "random"):
            Path(f"images/{dataset}/ant/{name}.png").symlink_to(f"/dev/{name}")


@case(ARRAY, SHARDS)
def socket_among_the_images():
    for dataset in ("small", "photos"):
        here = os.getcwd()
        os.chdir(f"images/{dataset}/ant")  # the path of a socket is short
        with socket.socket(socket.AF_UNIX) as own:
            own.bind("x.png")
        os.chdir(here)


@case(ARRAY, SHARDS)
def links_in_a_circle():
    for dataset in ("small", "photos"):
        Path(f"images/{dataset}/ant/again").symlink_to("..")
        Path(f"images/{dataset}/ant/x.png").symlink_to("y.png")
        Path(f"images/{dataset}/ant/y.png").symlink_to("x.png")


@case(ARRAY, SHARDS, says="x.png")
def link_to_a_file_of_the_system():
    for dataset in ("small", "photos"):
        Path(f"images/{dataset}/ant/x.png").symlink_to("/etc/passwd")


@case(ARRAY, SHARDS)
def folder_named_as_an_image():
    for dataset in ("small", "photos"):
        Path(f"images/{dataset}/ant/x.png").mkdir()


# prepared datasets, whose card has the digests of the hostile files ---------------------------------------------------


def forge(folder, file, content):
    """Replace a file of a prepared dataset and its digests in the card, as a stranger would who publishes it."""
    (folder / file).chmod(0o644)
    (folder / file).write_bytes(content)
    card = json.loads((folder / "card.json").read_text())
    card["files"][file] = hashlib.sha256(content).hexdigest()
    if file in card.get("shards", {}):
        card["shards"][file] = {
            "bytes": len(content),
            "ends": hashlib.sha256(content[:65536] + content[-65536:]).hexdigest(),
        }
    rewrite(folder / "card.json", card)


def rewrite(path, values):
    """Write a result with the digest that `entrec` would give it."""
    path.write_text(json.dumps(values | {"digest": digest_of(values)}))


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def npy_header(text):
    return b"\x93NUMPY\x02\0" + struct.pack("<I", len(text)) + text.encode()


@case(PRETRAIN, EVALUATE, says="labels.npy")
def pickle_in_place_of_labels():
    forge(SMALL, "labels.npy", npy(np.array([Evil()], dtype=object), allow_pickle=True))


@case(PRETRAIN, says="images.npy")
def pickle_in_place_of_images():
    forge(SMALL, "images.npy", pickle.dumps(Evil()))


@case(PRETRAIN, says="splits.npy")
def pickle_in_place_of_splits():
    forge(SMALL, "splits.npy", pickle.dumps(Evil()))


@case(PRETRAIN, says="labels.npy")
def array_with_a_huge_header():
    forge(SMALL, "labels.npy", npy_header("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }" + " " * 10**7))


@case(PRETRAIN, says="labels.npy")
def array_that_claims_terabytes():
    forge(SMALL, "labels.npy", npy_header("{'descr': '<i8', 'fortran_order': False, 'shape': (10**12,), }\n"))


@case(PRETRAIN, says="labels.npy")
def array_that_claims_more_than_it_has():
    forge(SMALL, "labels.npy", npy_header("{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999,), }\n"))


@case(PRETRAIN, says="labels.npy")
def labels_that_are_numbers_of_another_kind():
    forge(SMALL, "labels.npy", npy(np.full(24, 0.5)))


@case(PRETRAIN, EVALUATE, says="labels.npy")
def labels_beyond_the_classes():
    forge(SMALL, "labels.npy", npy(np.full(24, 10**6)))


@case(PRETRAIN, says="labels.npy")
def fewer_labels_than_images():
    forge(SMALL, "labels.npy", npy(np.zeros(2, dtype=np.int64)))


@case(PRETRAIN, says="splits.npy")
def splits_of_another_length():
    forge(SMALL, "splits.npy", npy(np.zeros(2000, dtype=np.uint8)))


@case(PRETRAIN, says="images.npy")
def images_of_another_shape():
    forge(SMALL, "images.npy", npy(np.zeros((24, 8), dtype=np.uint8)))


@case(PRETRAIN, says="images.npy")
def images_that_are_not_bytes():
    forge(SMALL, "images.npy", npy(np.full((24, 8, 8, 3), np.nan)))


def shard():
    return f"images/{sorted(path.name for path in (PHOTOS / 'images').glob('*.arrow'))[0]}"


@case(TRANSFER, says="photos")
def shard_that_is_a_pickle():
    forge(PHOTOS, shard(), pickle.dumps(Evil()))


@case(TRANSFER, says="photos")
def shard_of_random_bytes():
    forge(PHOTOS, shard(), np.random.default_rng(0).bytes(5000))


@case(TRANSFER, says="photos")
def shard_with_a_huge_message():
    forge(PHOTOS, shard(), b"\xff\xff\xff\xff" + struct.pack("<i", 2**31 - 1))


@case(TRANSFER, says="photos")
def shards_elsewhere():
    state = json.loads((PHOTOS / "images/state.json").read_text())
    state["_data_files"] = [{"filename": "../../../../../../../../../../etc/passwd"}]
    forge(PHOTOS, "images/state.json", json.dumps(state).encode())


@case(TRANSFER, says="photos")
def features_of_another_type():
    forge(PHOTOS, "images/dataset_info.json", b'{"features": {"image": {"_type": "os.system"}}}')


@case(TRANSFER, says="photos")
def shard_that_names_files():
    from datasets import Features, Image
    from datasets.arrow_writer import ArrowWriter

    with ArrowWriter(path="forged", features=Features({"image": Image()})) as writer:
        for _ in range(4):
            writer.write({"image": {"bytes": None, "path": "/etc/passwd"}})
        writer.finalize()
    forge(PHOTOS, shard(), Path("forged").read_bytes())


# results, encoders, checkpoints ---------------------------------------------------------------------------------------


@case(EVALUATE, TRANSFER, says="encoder.safetensors")
def pickle_in_place_of_an_encoder():
    (RESULTS / "encoder.safetensors").write_bytes(pickle.dumps(Evil()))


@case(EVALUATE, says="encoder.safetensors")
def encoder_with_a_huge_header():
    (RESULTS / "encoder.safetensors").write_bytes(struct.pack("<Q", 2**62) + b"{}")


@case(EVALUATE, says="encoder.safetensors")
def encoder_that_claims_terabytes():
    header = json.dumps({"conv.weight": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    (RESULTS / "encoder.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)


@case(EVALUATE, says="encoder.safetensors")
def fifo_in_place_of_an_encoder():
    (RESULTS / "encoder.safetensors").unlink()
    os.mkfifo(RESULTS / "encoder.safetensors")


def checkpoint(content):
    Path("out/resume").mkdir()
    Path("out/resume/last.pt").write_bytes(content + hashlib.sha256(content).hexdigest().encode())


@case(PRETRAIN, says="last.pt")
def pickle_in_place_of_a_checkpoint():
    checkpoint(pickle.dumps({"belongs_to": Evil()}))


@case(PRETRAIN, says="last.pt")
def checkpoint_of_torch_with_a_pickle():
    import torch

    buffer = io.BytesIO()
    torch.save({"belongs_to": Evil()}, buffer)
    checkpoint(buffer.getvalue())


def archive(entries, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


@case(PRETRAIN, says="last.pt")
def checkpoint_that_unpacks_to_gigabytes():
    entries = {"x/data.pkl": b"\0" * 2_000_000_000, "x/version": b"3\n"}
    checkpoint(archive(entries, zipfile.ZIP_DEFLATED))


@case(PRETRAIN, says="last.pt")
def checkpoint_with_names_outside():
    checkpoint(archive({"../../ran": b"", "../../data.pkl": pickle.dumps(Evil()), "../../version": b"3\n"}))


@case(PRETRAIN, says="last.pt")
def checkpoint_that_is_a_tar():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("../../ran", "sys_info", "pickle", "storages", "tensors"):
            content = pickle.dumps(Evil())
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    checkpoint(buffer.getvalue())


@case(TABLE, says="evaluation.json")
def json_of_a_hundred_thousand_brackets():
    (RESULTS / "evaluation.json").write_text("[" * 100_000)


@case(TABLE, says="evaluation.json")
def json_with_a_number_of_many_digits():
    text = (RESULTS / "evaluation.json").read_text()
    (RESULTS / "evaluation.json").write_text(text.replace('"seed": 0', f'"seed": {"9" * 10_000}'))


@case(TABLE, says="evaluation.json")
def json_with_infinity():
    text = (RESULTS / "evaluation.json").read_text()
    (RESULTS / "evaluation.json").write_text(text.replace('"validation": ', '"validation": 1e999, "x": ', 1))


@case(TABLE, says="evaluation.json")
def json_that_is_not_utf_8():
    (RESULTS / "evaluation.json").write_bytes(b'\xff\xfe{"run": "\xe9"}')


@case(TABLE, says="evaluation.json")
def fifo_in_place_of_a_result():
    (RESULTS / "evaluation.json").unlink()
    os.mkfifo(RESULTS / "evaluation.json")


@case(TABLE, says="evaluation.json")
def folder_in_place_of_a_result():
    (RESULTS / "evaluation.json").unlink()
    (RESULTS / "evaluation.json").mkdir()


@case(INFORMATION, says="history.csv")
def history_with_a_field_of_megabytes():
    (RESULTS / "history.csv").write_text('step,epoch,lr,loss\n"' + "9" * 3_000_000 + '",1,1,1\n')


@case(INFORMATION, says="history.csv")
def history_of_null_bytes():
    (RESULTS / "history.csv").write_bytes(bytes(1000))


@case(INFORMATION, says="history.csv")
def history_with_formulas():
    (RESULTS / "history.csv").write_text('step,epoch,lr,loss,bound\n1,1,1,1,"=cmd|calc!A1"\n')


@case(INFORMATION, says="history.csv")
def fifo_in_place_of_a_history():
    (RESULTS / "history.csv").unlink()
    os.mkfifo(RESULTS / "history.csv")


# study files ----------------------------------------------------------------------------------------------------------


def study(text):
    Path("params/tiny.yaml").write_text(text)


@case(CHECK, says="tiny.yaml")
def study_that_calls_a_function():
    study("title: !!python/object/apply:os.mkdir [ran]\n")


@case(CHECK, says="tiny.yaml")
def study_of_nine_billion_aliases():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    study("\n".join(lines) + "\n")


@case(CHECK, says="tiny.yaml")
def study_of_ten_thousand_brackets():
    study("a: " + "[" * 10_000 + "\n")


@case(CHECK, says="tiny.yaml")
def study_with_a_number_of_many_digits():
    study("title: " + "9" * 10_000 + "\n")


@case(CHECK, says="tiny.yaml")
def fifo_in_place_of_a_study():
    Path("params/tiny.yaml").unlink()
    os.mkfifo("params/tiny.yaml")


@case(CHECK, says="tiny.yaml")
def study_of_null_bytes():
    Path("params/tiny.yaml").write_bytes(bytes(1000))


# datasets of their makers ---------------------------------------------------------------------------------------------


def of_makers(source, **own):
    """Let the study read a source from `raw/`, where a stand-in for it lies."""
    values = read_yaml(Path("params/tiny.yaml"))
    spec = {"source": source, "path": "raw", "size": 8, "channels": 3, "metric": "top1", **own}
    values["datasets"]["photos"] = {**values["datasets"]["photos"], **spec}
    import yaml

    study(yaml.safe_dump(values, sort_keys=False))
    write_stand_in(source, Path("raw"), Amount(classes=2, images=8, side=14))


def of_imagenet():
    of_makers("imagenet", validation=0.25, test=0)


def tar_of(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def member(name, **fields):
    made = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(made, key, value)
    return made


@case(SHARDS, says="ILSVRC2012_img_val.tar")
def tar_with_names_outside():
    of_imagenet()
    evil = [(member(name), b"no image") for name in ("../ran", "/tmp/ran", "../../../../ran")]
    Path("raw", imagenet.VALIDATION).write_bytes(tar_of(evil + [(member(f"{i}.JPEG"), b"") for i in range(13)]))


@case(SHARDS, says="raw")
def tar_of_links_and_devices():
    of_imagenet()
    kinds = [
        member("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("hard", type=tarfile.LNKTYPE, linkname="../../etc/passwd"),
        member("device", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
        member("fifo", type=tarfile.FIFOTYPE),
    ]
    Path("raw", imagenet.VALIDATION).write_bytes(tar_of([(kind, b"") for kind in kinds]))


@case(SHARDS, says=imagenet.DEVKIT)
def devkit_whose_labels_are_a_link():
    of_imagenet()
    link = member("data/meta.mat", type=tarfile.SYMTYPE, linkname="/etc/passwd")
    Path("raw", imagenet.DEVKIT).write_bytes(gzip.compress(tar_of([(link, b"")])))


@case(SHARDS, says=imagenet.DEVKIT)
def devkit_that_unpacks_to_gigabytes():
    of_imagenet()
    entry = member(f"x/{imagenet.SYNSETS}")
    entry.size = 4_000_000_000
    with gzip.open(Path("raw", imagenet.DEVKIT), "wb", compresslevel=1) as file:
        file.write(entry.tobuf())
        for _ in range(40):
            file.write(bytes(100_000_000))


@case(SHARDS, says=imagenet.DEVKIT)
def devkit_with_a_pickle():
    of_imagenet()
    files = {f"x/{imagenet.SYNSETS}": pickle.dumps(Evil()), f"x/{imagenet.TRUTH}": b"1\n"}
    tar = tar_of([(member(name), content) for name, content in files.items()])
    Path("raw", imagenet.DEVKIT).write_bytes(gzip.compress(tar))


@case(SHARDS, says="raw")
def tar_with_a_size_of_exabytes():
    of_imagenet()
    huge = member("n01440764_0.JPEG")
    huge.size = 2**62
    Path("raw", imagenet.VALIDATION).write_bytes(huge.tobuf() + bytes(1024))


@case(SHARDS, says="raw")
def pickle_of_a_stand_in_for_cifar():
    of_makers("cifar10", validation=0.25, test=0)
    content = pickle.dumps(Evil())
    (batch,) = Path("raw").rglob("data_batch_1")
    batch.write_bytes(content)
    marker = json.loads(Path("raw/stand-in.json").read_text())
    marker["md5"]["data_batch_1"] = hashlib.md5(content).hexdigest()
    Path("raw/stand-in.json").write_text(json.dumps(marker))


# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plant, command, says", CASES[::EVERY])
def test_a_hostile_file_does_nothing(world, figures, tmp_path, monkeypatch, plant, command, says):
    folder = tmp_path / "root"
    for part in ("params", "images", "data", "results", "reports"):
        shutil.copytree(world.folder / part, folder / part, symlinks=True)
    (folder / "out").mkdir()
    monkeypatch.chdir(folder)
    plant()
    before = outside(folder)
    ended = world.children.run(*command.split(), folder=folder, limit=LIMIT, sampled=True)
    assert outside(folder) == before
    assert not Path("ran").exists(), ended.said
    assert max((sample[0] for sample in ended.samples), default=0) < MEMORY_KB
    if says is None:
        assert ended.code == 0, ended.said
    elif command == CHECK:  # a study file is refused in one line for each of its faults
        assert says in ended.refusals()[0]
    else:
        assert says in ended.in_one_line()
    counted = figures.setdefault("hostile files", {"cases": 0})
    counted["cases"] += 1


@pytest.mark.skipif(not FULL, reason="the page takes half a minute; make test-faults makes it")
def test_html_in_names_is_text_on_the_page(world, figures):
    page = "reports/tiny/index.html"
    for table in TABLES:
        world.succeed(f"table {OF_STUDY} --results results/tiny --name {table} --output reports/tiny/tables")
    for step in ("report", "provenance"):
        world.succeed(f"{step} {OF_STUDY} --results results/tiny --data data/tiny --output reports/tiny")
    made = list((world.folder / "reports/tiny").rglob("*.html"))
    assert world.folder / page in made
    for path in made:
        assert HTML not in path.read_text(encoding="utf-8"), path
    assert html.escape(HTML) in (world.folder / page).read_text(encoding="utf-8")
    figures["pages with HTML in names"] = {"cases": len(made)}
