#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Training in small: what train/ promises, in half a minute.

usage: tests/train/smoke.py FOVEA

Cuts tiles of examples/, trains a tiny network in two sessions, exports it and lets FOVEA run it;
compares degradations with the encoder and the filters they stand for. Prints a line for each thing
that holds; ends with 1 at the first that does not.

Needs python3 with torch, numpy and PIL (Debian: python3-torch, python3-numpy, python3-pil).
"""
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "train"), str(ROOT / "tools")]

import branches  # noqa: E402
import degrade  # noqa: E402
import losses  # noqa: E402
import perceptual  # noqa: E402
import prelu  # noqa: E402
import reference_nets as nets  # noqa: E402
import safetensors_io  # noqa: E402
import train  # noqa: E402

CONFIG = """scale = 2
channels = 16
blocks = 1
steps = 40
batch = 4
patch = 16
rate = 2e-3
branches = 2
[degrade]
shrink = ["bicubic", "bilinear", "area", "lanczos"]
blur = [0.5, 0.3]
noise = [0.5, 5]
jpeg = [0.5, 50, 95]
webp = [0.5, 50, 95]
twice = 0.5
[metadata]
purpose = "Enlarge {scale} times"
"""


def holds(what, condition, detail=""):
    """Say it, or end."""
    if not condition:
        raise SystemExit(f"FAILED: {what} {detail}")
    print(f"ok: {what} {detail}".strip())


def tool(name, *words):
    """Run a script of train/; its exit status and what it said."""
    run = subprocess.run([sys.executable, ROOT / "train" / name, *map(str, words)],
                         capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def psnr(a, b):
    """Of two arrays in 0..1."""
    return -10 * np.log10(np.mean((np.asarray(a, float) - np.asarray(b, float)) ** 2) + 1e-12)


def as_tensor(picture):
    """A PIL picture as [1, 3, h, w]."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255


def as_array(tensor):
    """[1, 3, h, w] as [h, w, 3]."""
    return tensor[0].permute(1, 2, 0).numpy()


def check_degradations(picture):
    """Against libjpeg and PIL's filters; one colour stays that colour."""
    x = as_tensor(picture)
    for quality in (50, 75, 95):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, subsampling=2)
        want = np.asarray(Image.open(file).convert("RGB")) / 255
        got = as_array(degrade.jpeg(x, torch.tensor([float(quality)])))
        damage = psnr(np.asarray(picture) / 255, want)
        holds(f"JPEG at {quality} is like libjpeg's", psnr(got, want) > damage + 4,
              f"{psnr(got, want):.1f} dB; its damage {damage:.1f} dB")
    x, kept = x.repeat(2, 1, 1, 1), []
    for quality in (30.0, 90.0):
        kept.append(psnr(degrade.webp(x, torch.tensor([quality] * 2)), x))
    holds("WebP leaves less at a lower quality", 22 < kept[0] < kept[1] - 3,
          f"{kept[0]:.1f} dB and {kept[1]:.1f} dB")
    torch.manual_seed(2)
    both = {"jpeg": [0.5, 60, 60], "webp": [1, 60, 60]}
    many = degrade.damage(x[:1].repeat(16, 1, 1, 1), both)
    seen = [degrade.jpeg(x[:1], torch.tensor([60.0])), degrade.webp(x[:1], [60])]
    told = [sum(bool(torch.allclose(a, b[0], atol=1e-4)) for a in many) for b in seen]
    holds("a picture is compressed once, one way or the other", sum(told) == 16 and min(told) > 2,
          f"{told}")
    x = x[:1]
    small = (picture.width // 2, picture.height // 2)
    for name, pil in (("bicubic", Image.BICUBIC), ("lanczos", Image.LANCZOS),
                      ("bilinear", Image.BILINEAR), ("area", Image.BOX)):
        want = np.asarray(picture.resize(small, pil)) / 255
        got = as_array(degrade.shrink(x, 2, name))
        inner = np.s_[4:-4, 4:-4]  # Lanczos ends differently at the edges
        holds(f"{name} shrinks like PIL's", psnr(got[inner], want[inner]) > 48,
              f"{psnr(got[inner], want[inner]):.1f} dB")
    flat = torch.full((2, 3, 48, 48), 100 / 255)
    settings = {"shrink": ["bicubic", "lanczos", "area"], "blur": [1, 0.3], "jpeg": [0.5, 40, 90],
                "webp": [1, 40, 90]}
    worst = max(float((degrade.degrade(flat, 3, settings) * 255 - 100).abs().max())
                for _ in range(6))
    whole = degrade.round8(degrade.shrink(x, 2, "bicubic"))
    ruin = {"shrink": ["area"], "jpeg": [1, 40, 60], "intact": 0.25}
    batch = degrade.degrade(x.repeat(8, 1, 1, 1), 2, ruin)
    kept = [bool(torch.allclose(a, whole[0])) for a in batch]
    holds("a part of a batch stays intact", kept == [True] * 2 + [False] * 6, f"{kept}")
    holds("one colour stays that colour", worst <= 3, f"(worst {worst:.0f} of 255)")


def check_learning(tiles):
    """The loss on one batch falls."""
    c = train.configuration(tiles.parent / "tiny.toml")
    torch.manual_seed(1)
    run = train.Run(c, "cpu")
    small, large = next(train.batches([np.load(tiles)], c, "cpu"))
    losses = [run.train(small, large, False) for _ in range(40)]
    far = max(float((run.mean[k] - v).abs().max()) for k, v in run.weights.items())
    holds("the running mean follows behind", 0 < far < 0.1, f"({far:.1e})")
    holds("the loss falls", losses[-1] < 0.9 * losses[0],
          f"from {losses[0]:.4f} to {losses[-1]:.4f}")


def check_branches():
    """What is folded computes what the branches compute side by side."""
    torch.manual_seed(3)
    w = {"a.weight": torch.randn(8, 8, 3, 3), "tail.weight": torch.randn(12, 8, 3, 3)}
    grown = branches.grow(w, 2)
    holds("a new branch adds nothing", torch.equal(branches.fold(grown)["a.weight"], w["a.weight"])
          and set(grown) - set(w) == {"a.wide", "a.back"})
    grown["a.back"] = torch.randn(8, 16, 3, 3)
    x = torch.randn(1, 8, 9, 9)
    pair = torch.nn.functional.conv2d(
        torch.nn.functional.conv2d(x, grown["a.wide"][:, :, None, None]), grown["a.back"])
    want = torch.nn.functional.conv2d(x, w["a.weight"]) + pair
    got = torch.nn.functional.conv2d(x, branches.fold(grown)["a.weight"])
    holds("a branch is folded into its convolution", torch.allclose(got, want, atol=1e-3))


def check_prelu():
    """The way back that is written out is PyTorch's."""
    torch.manual_seed(8)
    x, slopes = torch.randn(2, 4, 9, 9), torch.tensor([0.1, -0.5, 0, 2.0])
    found = []
    for function in (torch.nn.functional.prelu, prelu.prelu):
        a, b = x.clone().requires_grad_(), slopes.clone().requires_grad_()
        y = function(a, b)
        (y * torch.arange(9.0)).sum().backward()
        found.append((y.detach(), a.grad, b.grad))
    holds("PReLU and its gradients are PyTorch's",
          all(torch.allclose(got, want, atol=1e-4) for got, want in zip(found[1], found[0])))


def check_lesson(picture):
    """A teacher's lesson is the mean of its eight views of a picture, so it turns with it."""
    w = nets.weights(ROOT / "models/photo-x2.safetensors")
    x = as_tensor(picture.crop((0, 0, 24, 20)))
    with torch.no_grad():
        taught, turned = train.lesson([w], x), train.lesson([w], x.flip(3).rot90(1, (2, 3)))
        alone = nets.run(w, x.flip(3).rot90(1, (2, 3)))
    holds("a lesson turns with the picture",
          torch.allclose(turned, taught.flip(3).rot90(1, (2, 3)), atol=1e-5))
    far = float((alone - turned).abs().max())
    holds("and is what the teacher says, nearly", 1e-4 < far < 0.2, f"(within {far:.3f})")


def made_features(folder):
    """A file of features with random weights in the shapes of VGG-19's first layers."""
    torch.manual_seed(4)
    sizes = [(0, 3, 3, 1), (2, 3, 64, 3), (5, 64, 64, 3), (9, 64, 128, 3), (12, 128, 128, 3),
             (16, 128, 256, 3)]
    tensors = {}
    for n, n_in, n_out, side in sizes:
        weight = torch.randn(n_out, n_in, side, side) * (2 / (n_in * side * side)) ** 0.5
        tensors[f"{n}.weight"] = safetensors_io.raw(weight.numpy(), "F32")
        tensors[f"{n}.bias"] = safetensors_io.raw(np.zeros(n_out, np.float32), "F32")
    safetensors_io.save(folder / "features.safetensors", tensors, {})
    return folder / "features.safetensors"


def check_losses(folder, picture):
    """Each loss is nothing between equal pictures and grows with what it is for; the critic learns
    to tell two kinds of pictures apart."""
    features = made_features(folder)
    x = as_tensor(picture.crop((0, 0, 64, 64)))
    torch.manual_seed(5)
    noisy, darker = x + 0.1 * torch.randn_like(x), x * 0.9

    def loss(name, a):
        return float(losses.Losses({name: 1}, 4, features, "cpu")(a, x, x))

    for name in ("pixel", "teacher", "consistency", "perceptual", "coarse", "texture"):
        holds(f"{name} is 0 between equals", loss(name, x) < 0.0011 < 4 * loss(name, noisy))
    dots = x.clone()
    dots[..., ::4, ::4] += 0.1  # as much energy as noise of a quarter of that
    holds("phases sees dots that repeat more than noise", loss("phases", x) < 0.0011 and
          loss("phases", dots) > 2 * loss("phases", x + 0.025 * torch.randn_like(x)))
    holds("consistency sees colour more than texture",
          loss("consistency", darker) > loss("consistency", noisy))
    holds("pixel sees texture more than colour", loss("pixel", darker) < loss("pixel", noisy))

    f = [torch.rand(1, 4, 32, 32)]
    moved = f[0].clone()
    moved[..., :16, :16] = moved[..., :16, :16].flip(2).roll(5, 3)
    swapped = f[0].roll(16, 3)
    grams = [losses.textures([x])[0] for x in (f[0], moved, swapped)]
    holds("texture does not see where in a window, but in which", grams[0].shape == (4, 16) and
          torch.allclose(grams[0], grams[1], atol=1e-3) and
          not torch.allclose(grams[0], grams[2], atol=1e-1))
    holds("and what is smaller than a window is one",
          losses.textures([f[0][..., :5, :9]])[0].shape == (1, 16))

    both = losses.Losses({"adversarial": 1}, 4, features, "cpu")
    with torch.no_grad():
        true, made = both.features(x), both.features(noisy)
    before = float(both.judge(made, true))
    for _ in range(12):
        both.teach(made, true)
    after = float(both.judge(made, true))
    holds("the critic learns", after > before + 0.2, f"({before:.2f} to {after:.2f})")
    again = losses.Losses({"adversarial": 1}, 4, features, "cpu")
    again.load(both.state())
    holds("and a checkpoint keeps what it learned",
          abs(float(again.judge(made, true)) - after) < 0.2 * (after - before))


def made_squeezenet(folder):
    """A file of SqueezeNet's shapes with random weights, and heads that add up."""
    torch.manual_seed(6)
    w = {"features.0.weight": torch.randn(64, 3, 3, 3) / 27 ** 0.5 / 60}
    sizes = {3: (64, 16, 64), 4: (128, 16, 64), 6: (128, 32, 128), 7: (256, 32, 128),
             9: (256, 48, 192), 10: (384, 48, 192), 11: (384, 64, 256), 12: (512, 64, 256)}
    for i, (n_in, n, n_out) in sizes.items():
        w[f"features.{i}.squeeze.weight"] = torch.randn(n, n_in, 1, 1) * (2 / n_in) ** 0.5
        w[f"features.{i}.expand1x1.weight"] = torch.randn(n_out, n, 1, 1) * (2 / n) ** 0.5
        w[f"features.{i}.expand3x3.weight"] = torch.randn(n_out, n, 3, 3) * (2 / 9 / n) ** 0.5
    w |= {k.replace("weight", "bias"): torch.zeros(v.shape[0]) for k, v in w.items()}
    for i, n in enumerate((64, 128, 256, 384, 384, 512, 512)):
        w[f"lpips{i}.weight"] = torch.full((1, n, 1, 1), 1 / n)
    path = folder / "squeezenet.safetensors"
    safetensors_io.save(path, {k: safetensors_io.raw(v.numpy(), "F32") for k, v in w.items()}, {})
    return path


def check_perceptual(fovea, folder, photo):
    """Distance, consistency and colour say what they are called; the tool and a card get them."""
    features = made_squeezenet(folder)
    distance = perceptual.Distance(features)
    x = as_tensor(photo.crop((0, 0, 96, 96)))
    torch.manual_seed(7)
    noise = torch.randn_like(x)
    near, far = distance(x, (x + 0.02 * noise).clamp(0, 1)), distance(x, (x + noise).clamp(0, 1))
    holds("distance is 0 between equals and grows", distance(x, x) == 0 < 4 * near < far)
    small = degrade.shrink(x, 2, "bicubic")
    blocky = torch.nn.functional.interpolate(small, scale_factor=2)
    same = perceptual.colour(blocky, small, 2)
    darker = perceptual.colour(blocky * 0.9, small, 2)
    holds("colour is what repeating pixels keeps", same < 0.01 and
          abs(darker - 25.5 * float(small.mean())) < 0.1, f"({same:.3f}, darker {darker:.2f})")
    holds("consistency falls with what is invented",
          perceptual.consistency(blocky, small, 2) >
          perceptual.consistency(blocky + 0.1 * noise, small, 2) + 6)

    (folder / "set").mkdir()
    photo.crop((0, 0, 97, 66)).save(folder / "set/one.png")
    model = folder / "photo-x2.safetensors"
    model.write_bytes((ROOT / "models/photo-x2.safetensors").read_bytes())
    words = (model, "--program", fovea, "--set", folder / "set", "--scale", 2)
    status, said = tool("perceptual.py", *words, "--features", features, "--jpeg", 80,
                        "--keep", folder / "kept", "--exact")
    holds("the tool scores a folder", status == 0 and "photo-x2 " in said and
          (folder / "kept/one-photo-x2.png").is_file(), said if status else "")
    status, said = tool("perceptual.py", *words, "--features", folder / "features.safetensors")
    holds("other features are one sentence", status == 1 and said.count("\n") == 1, said.strip())
    card = folder / "photo-x2.md"
    text = (ROOT / "models/photo-x2.md").read_text(encoding="utf-8")
    row = "| one, looked at | {} | 9 | 9 | 9 |\n"
    card.write_text(text + row.format("bicubic") + row.format("photo-x2"), encoding="utf-8")
    status, said = tool("card.py", card, "--program", fovea, "--look", f"one={folder / 'set'}",
                        "--features", features)
    rows = re.findall(r"one, looked at .*? \| (0\.\d{3}) \| \d+\.\d \| \d\.\d\d \|",
                      card.read_text(encoding="utf-8"))
    holds("a card gets what was looked at", status == 0 and len(rows) == 2, f"{rows} {said}")


def check_graphics(folder):
    """Drawn tiles: the same for one seed, mostly flat, with ink on paper."""
    out = folder / "graphics.npy"
    words = ("--count", 12, "--side", 96, "--seed", 7)
    status, said = tool("graphics.py", out, *words)
    holds("graphics are drawn", status == 0, said.strip())
    first = np.load(out)
    tool("graphics.py", out, *words)
    holds("and are the same again", np.array_equal(first, np.load(out)))
    steps = np.abs(np.diff(first.astype(int), axis=2)).max(axis=3)
    flat = (steps == 0).mean(axis=(1, 2))
    holds("most of a tile is flat, none is empty", np.median(flat) > 0.5 and flat.max() < 1,
          f"(flat {np.median(flat):.2f})")
    status, said = tool("graphics.py", out, *words, "--fonts", folder / "none")
    holds("no fonts is one sentence", status == 1 and said.count("\n") == 1, said.strip())


def check_networks(fovea, folder, tiles, picture):
    """Every kind of network is trained, exported and computed by FOVEA as by PyTorch."""
    picture.save(folder / "net.png")
    for kind, blocks in (("compact", 2), ("span", 6)):
        config = folder / f"{kind}.toml"
        config.write_text(f'architecture = "{kind}"\n' + CONFIG.replace("steps = 40", "steps = 8")
                          .replace("blocks = 1", f"blocks = {blocks}"), encoding="utf-8")
        status, words = tool("train.py", config, tiles, "--run", folder / kind)
        holds(f"{kind} is trained", status == 0, words[-200:] if status else "")
        model = folder / kind / "model.safetensors"
        subprocess.run([fovea, "upscale", folder / "net.png", folder / f"{kind}.png", "--factor",
                        "2", "--exact", "--model", model], check=True)
        got = np.asarray(Image.open(folder / f"{kind}.png").convert("RGB"), float)
        with torch.no_grad():
            want = nets.run(nets.weights(model), as_tensor(picture)).clamp(0, 1)
        worst = np.abs(got - as_array(want) * 255).max()
        holds("and the engine agrees", worst < 0.51, f"(within {worst:.2f} of 255)")


def check_score(fovea, folder, tiles, photo):
    """A session ends with a model and its score; blocks that --init lacks change nothing."""
    pictures = folder / "scored"
    pictures.mkdir()
    photo.crop((0, 0, 121, 90)).save(pictures / "one.png")
    deep = folder / "deep.toml"
    deep.write_text(CONFIG.replace("blocks = 1", "blocks = 3").replace("2e-3", "1e-9")
                    .replace("branches = 2", ""), encoding="utf-8")
    status, words = tool("train.py", deep, tiles, "--run", folder / "deep", "--minutes", 0.001,
                         "--init", folder / "tiny.safetensors", "--set", pictures)
    holds("a session is scored", status == 0, words[-200:] if status else "")
    scored = (folder / "deep/scores.tsv").read_text(encoding="utf-8").split("\t")
    run = subprocess.run([fovea, "eval", "--json", "--set", pictures, "--scale", "2", "--model",
                          folder / "tiny.safetensors"], capture_output=True, text=True, check=True)
    want = json.loads(run.stdout)[0]["model"]["psnr_y_db"]
    holds("by PSNR, and what is deeper begins as what it began from",
          abs(float(scored[2]) - want) < 0.06, f"({float(scored[2]):.2f} dB, {want:.2f})")
    holds("with its model", (folder / "deep/model.safetensors").is_file())


def check_memory(config, checkpoint, again):
    """What a run takes up from a checkpoint is all that there is in it."""
    run = train.Run(train.configuration(config), "cpu")
    run.load(checkpoint)
    run.save(again)
    one, two = torch.load(checkpoint), torch.load(again)
    moments = [[v for _, s in sorted(c["optimiser"]["state"].items()) for v in s.values()]
               for c in (one, two)]
    tensors = [[*c["weights"].values(), *c["mean"].values(), *map(torch.as_tensor, m)]
               for c, m in zip((one, two), moments)]
    holds("weights, mean and optimiser come back",
          len(moments[0]) > 0 and one["step"] == two["step"] and
          len(tensors[0]) == len(tensors[1]) and all(map(torch.equal, *tensors)))


def check_sessions(folder, tiles):
    """Two sessions are one run; a wrong network is refused; --init takes what fits."""
    run, config = folder / "tiny", folder / "tiny.toml"
    half = folder / "half.toml"
    half.write_text(CONFIG.replace("steps = 40", "steps = 15"), encoding="utf-8")
    status, words = tool("train.py", half, tiles, "--run", run, "--seed", 1)
    holds("a session trains", status == 0 and "step 15" in words, words[-200:] if status else "")
    check_memory(config, run / "checkpoint.pt", folder / "again.pt")
    status, words = tool("train.py", config, tiles, "--run", run, "--seed", 2)
    holds("the next one goes on", "going on from step 15" in words and "step 40" in words,
          words[-200:] if status else "")
    status, words = tool("train.py", "--export", run, folder / "tiny.safetensors")
    holds("the run is exported", status == 0, words.strip())

    wide = folder / "wide.toml"
    wide.write_text(CONFIG.replace("channels = 16", "channels = 32"), encoding="utf-8")
    status, words = tool("train.py", wide, tiles, "--run", run)
    holds("another network is refused", status == 1 and "is of another network" in words)
    status, words = tool("train.py", config, tiles, "--run", folder / "x4", "--scale", 4,
                         "--minutes", 0.001, "--init", folder / "tiny.safetensors")
    holds("another scale begins from it", "9 of 11 tensors" in words, words.splitlines()[0])
    bad = folder / "bad.toml"
    bad.write_text("scale = 5\n", encoding="utf-8")
    status, words = tool("train.py", bad, tiles, "--run", run)
    holds("a bad configuration is one sentence",
          status == 1 and words == f"train: {bad}: channels must be a number above 0\n",
          words.strip())


def check_engine(fovea, folder, picture):
    """FOVEA computes what PyTorch computes."""
    picture.save(folder / "in.png")
    subprocess.run([fovea, "upscale", folder / "in.png", folder / "out.png", "--factor", "2",
                    "--exact", "--model", folder / "tiny.safetensors"], check=True)
    got = np.asarray(Image.open(folder / "out.png").convert("RGB"), float)
    tensors, metadata = safetensors_io.load(folder / "tiny.safetensors")
    holds("the model says what it is for", metadata["purpose"] == "Enlarge 2 times")
    w = nets.from_tensors(tensors)
    with torch.no_grad():
        want = as_array(nets.run(w, as_tensor(picture)).clamp(0, 1)) * 255
    worst = np.abs(got - want).max()
    holds("the engine agrees with PyTorch", worst < 0.51, f"(within {worst:.2f} of 255)")


def check_teacher(folder, tiles):
    """A network learns from a teacher; the mean of both is a model."""
    config, taught = folder / "taught.toml", folder / "taught/model.safetensors"
    config.write_text(CONFIG + "[loss]\npixel = 0.1\nteacher = 1\n", encoding="utf-8")
    tiny = folder / "tiny.safetensors"
    words = ("train.py", config, tiles, "--run", folder / "taught", "--init", tiny)
    status, said = tool(*words)
    holds("a teacher that is missing is one sentence", status == 1 and said.count("\n") < 3,
          said.strip())
    config.write_text(CONFIG, encoding="utf-8")
    status, said = tool(*words, "--teacher", ROOT / "models/photo-x3.safetensors")
    holds("so is one of another scale", status == 1 and "enlarges 3 times, not 2" in said,
          said.strip())
    status, said = tool(*words, "--teacher", tiny)
    saved = torch.load(folder / "taught/checkpoint.pt") if status == 0 else {"config": "{}"}
    holds("a network is taught by another, mostly", json.loads(saved["config"]).get("loss") ==
          {"pixel": 0.1, "teacher": 1}, said[-200:] if status else "")
    status, said = tool("average.py", folder / "mean.safetensors", tiny, taught)
    a, b, mean = (nets.weights(path) for path in (tiny, taught, folder / "mean.safetensors"))
    holds("the mean of two lies between them", status == 0 and not torch.equal(
        a["head.weight"], b["head.weight"]) and torch.allclose(
        mean["head.weight"], (a["head.weight"] + b["head.weight"]) / 2, atol=1e-3), said)
    status, said = tool("average.py", folder / "no", tiny, ROOT / "models/photo-x2.safetensors")
    holds("networks of two kinds have none", status == 1 and said.count("\n") == 1, said.strip())


def check_card(fovea, folder):
    """A card whose figures were changed gets them back, words and all."""
    name = "photo-x4"
    (folder / f"{name}.safetensors").write_bytes((ROOT / f"models/{name}.safetensors").read_bytes())
    right = (ROOT / f"models/{name}.md").read_text(encoding="utf-8")
    wrong = re.sub(r"[0-9a-f]{64}", "0" * 64, right).replace("| parameters | ", "| parameters | 9")
    card = folder / f"{name}.md"
    card.write_text(wrong, encoding="utf-8")
    status, words = tool("card.py", card, "--program", fovea)
    holds("a card gets its figures", status == 0 and wrong != right and
          card.read_text(encoding="utf-8") == right, words.strip())


def main():
    """All of it."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tiles = folder / "tiles.npy"
        (folder / "tiny.toml").write_text(CONFIG, encoding="utf-8")
        (folder / "no.jpg").write_text("no picture", encoding="utf-8")
        status, words = tool("tiles.py", tiles, ROOT / "examples", folder / "no.jpg",
                             "--side", 128)
        n = len(np.load(tiles)) if status == 0 else 0
        listed = len((folder / "tiles.tsv").read_text(encoding="utf-8").splitlines()) - 1
        holds("pictures become tiles", n > 10 and n == listed and "no.jpg: left out" in words,
              f"({n})")
        photo = Image.open(sorted((ROOT / "examples").glob("*.jpg"))[0]).convert("RGB")
        picture = photo.crop((0, 0, 160, 96))
        check_degradations(picture)
        check_branches()
        check_prelu()
        check_lesson(picture)
        check_losses(folder, picture)
        check_graphics(folder)
        check_learning(tiles)
        check_sessions(folder, tiles)
        check_networks(sys.argv[1], folder, tiles, photo.crop((0, 0, 61, 43)))
        check_score(sys.argv[1], folder, tiles, photo)
        check_teacher(folder, tiles)
        check_card(sys.argv[1], folder)
        check_perceptual(sys.argv[1], folder, photo)
        check_engine(sys.argv[1], folder, photo.crop((0, 0, 61, 43)))


if __name__ == "__main__":
    main()
