# SPDX-License-Identifier: Apache-2.0
"""What training minimises: distances of a result to its original, and a critic.

Pictures are float32 [n, 3, height, width], about 0..1. The section [loss] of a configuration says
how much each counts; what is left out, or 0, is not computed:

  pixel        the mean difference (L1 with a rounded tip): alone, it gives the faithful end
  teacher      as pixel, but to what the networks of --teacher make: all of it can be learned, where
               an original has much that no network could know
  consistency  as pixel, after both were shrunk to the size of the input, so that colours and coarse
               shapes stay whatever texture is drawn
  phases       the difference, over windows of some pixels, of the mean of each of the scale x scale
               places that the last layer fills by itself: a pattern of dots that repeats with them
               hardly costs anything in the others, and feeds the next two
  perceptual   the difference of the features that a network for recognising things has after
               relu1_2, relu2_2 and relu3_1, each pixel's scaled to length 1: Zhang et al., The
               Unreasonable Effectiveness of Deep Features (arXiv:1801.03924), without its heads
  coarse       the same of both pictures at half their size: what is wider than relu3_1 sees
  texture      the difference of which features go together (Gram matrices) in windows of some
               pixels, wherever in them: Gatys et al. (arXiv:1505.07376), in windows as Sajjadi et
               al., EnhanceNet (arXiv:1612.07919), have it
  adversarial  how well a critic, trained beside, tells results from originals: relativistic
               (Jolicoeur-Martineau, arXiv:1807.00734), and looking at the same features (Sauer et
               al., Projected GANs, arXiv:2111.01007), so that it learns fast and costs little

The features come from a file of plain 3x3 convolutions in the order of VGG-19, with tensors
"N.weight" and "N.bias", the first a 1x1 that takes RGB 0..1 to what the network wants.
"""
import re

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

import reference_nets as nets

NAMES = ("pixel", "teacher", "consistency", "phases", "perceptual", "coarse", "texture",
         "adversarial")
CHANNELS = (64, 128, 256)  # of the features
CRITIC_RATE = 2e-4
CRITIC_WIDTH = 64
SIDES = (16, 8, 8)  # of the windows of textures, in pixels of each feature
WINDOW = 6  # of phases, in pixels of the small picture
GRID = 4  # of two poolings, in pixels
POOL_BEFORE, TAKE_AFTER = (2, 4), (1, 3, 4)  # which of the 3x3 convolutions, from 0


class Features:
    """The first layers of VGG-19, frozen; with zeros around, whatever they were trained with,
    since padding by reflection takes a third of the time of it all."""

    def __init__(self, path, device):
        found = nets.weights(path)
        order = sorted((k for k in found if re.fullmatch(r"\d+\.weight", k)),
                       key=lambda k: int(k.split(".")[0]))
        self.layers = [(found[k].to(device), found[k.replace("weight", "bias")].to(device))
                       for k in order]
        taken = [self.layers[1 + i][0].shape[0] for i in TAKE_AFTER if i + 1 < len(self.layers)]
        if tuple(taken) != CHANNELS:
            raise ValueError(f"{path}: not a 1x1 and the first five convolutions of VGG-19")

    def __call__(self, x):
        """The three features of x, halved in size after each."""
        y, found = F.conv2d(x, *self.layers[0]), []
        for i, (weight, bias) in enumerate(self.layers[1:TAKE_AFTER[-1] + 2]):
            if i in POOL_BEFORE:
                y = F.max_pool2d(y, 2)
            y = F.relu(F.conv2d(y, weight, bias, padding=1), inplace=True)
            if i in TAKE_AFTER:
                found.append(y)
        return found


class Critic(torch.nn.Module):
    """A small head for each feature; gives one number for each of its places."""

    def __init__(self):
        super().__init__()

        def conv(n_in, n_out, side, stride=1):
            return spectral_norm(torch.nn.Conv2d(n_in, n_out, side, stride, side // 2))

        n = CRITIC_WIDTH
        steps = (2, 2, 1)  # so that all end at a quarter of the size
        self.heads = torch.nn.ModuleList(
            torch.nn.Sequential(conv(c, n, 3 if s == 2 else 1, s), torch.nn.LeakyReLU(0.2),
                                conv(n, n, 3, 2 if i == 0 else 1), torch.nn.LeakyReLU(0.2),
                                conv(n, 1, 1))
            for i, (c, s) in enumerate(zip(CHANNELS, steps)))

    def forward(self, features):
        """A list of [n, 1, h, w]."""
        return [head(f) for head, f in zip(self.heads, features)]


def rounded_l1(a, b):
    """Mean difference, smooth around 0."""
    d = a - b
    return torch.sqrt(d * d + 1e-6).mean()


def phase_means(x, scale):
    """[n, 3 * scale * scale, ...]: mean difference of each place from the mean of its cell, over
    windows of WINDOW cells."""
    cells = F.pixel_unshuffle(x, scale)
    n, c, h, w = cells.shape
    cells = cells.view(n, 3, c // 3, h, w)
    cells = (cells - cells.mean(2, keepdim=True)).view(n, c, h, w)
    return F.avg_pool2d(cells, min(WINDOW, h, w), stride=max(1, WINDOW // 2))


class Distance(torch.autograd.Function):
    """Mean squared distance of the vectors of features a and b, each pixel's scaled to length 1:
    2 - 2 cos. Written out, since PyTorch would make some twenty large pictures of it on the way
    back, half the time of a step on a CPU. b is a constant."""

    @staticmethod
    def forward(ctx, a, b):
        dot, aa, bb = ((x * y).sum(1, keepdim=True, dtype=torch.float32)
                       for x, y in ((a, b), (a, a), (b, b)))
        lengths = (aa * bb).sqrt() + 1e-6
        ctx.save_for_backward(a, b, dot, aa, lengths)
        return (2 - 2 * dot / lengths).mean()

    @staticmethod
    def backward(ctx, grad):
        a, b, dot, aa, lengths = ctx.saved_tensors
        g = -2 * grad / dot.numel() / lengths
        back = g * dot / (aa + 1e-6)
        return b * g.to(a.dtype) - a * back.to(a.dtype), None


def textures(features):
    """For windows of each feature how often its channels go together: [windows, c * c]. What is
    smaller than a window is one."""
    found = []
    for f, side in zip(features, SIDES):
        n, c, h, w = f.shape
        side = min(side, h, w)
        h, w = h // side, w // side
        x = f[..., :h * side, :w * side].reshape(n, c, h, side, w, side)
        x = x.permute(0, 2, 4, 1, 3, 5).reshape(n * h * w, c, side * side)
        found.append(torch.bmm(x, x.transpose(1, 2)).flatten(1))
    return found


def relativistic(more, less):
    """How far `more` is from being judged truer than `less` everywhere; both ways round."""
    total = 0
    for a, b in zip(more, less):
        total = total + F.softplus(b.mean() - a).mean() + F.softplus(b - a.mean()).mean()
    return total / (2 * len(more))


class Losses:
    """The losses of a run, and the critic with its optimiser."""

    def __init__(self, settings, scale, features, device):
        for name, value in settings.items():
            if name not in NAMES or not isinstance(value, (int, float)) or value < 0:
                raise ValueError(f"[loss] {name}: it is one of {', '.join(NAMES)}, from 0")
        self.share = {name: settings.get(name, 0) for name in NAMES}
        if not any(self.share.values()):
            raise ValueError("[loss] must name at least one loss")
        self.scale, self.features, self.critic = scale, None, None
        if any(self.share[name] for name in ("perceptual", "coarse", "texture", "adversarial")):
            if not features:
                raise ValueError("[loss] asks for features: name their file with --features")
            self.features = Features(features, device)
        if self.share["adversarial"]:
            self.critic = Critic().to(device)
            self.optimiser = torch.optim.AdamW(self.critic.parameters(), lr=CRITIC_RATE,
                                               betas=(0.5, 0.99), weight_decay=0)

    def __call__(self, result, large, taught=None):
        """The loss of a result, given what a teacher made of the same; the critic learns on the
        way."""
        s, total = self.share, 0
        if s["pixel"]:
            total = total + s["pixel"] * rounded_l1(result, large)
        if s["teacher"]:
            total = total + s["teacher"] * rounded_l1(result, taught)
        if s["consistency"]:
            total = total + s["consistency"] * rounded_l1(F.avg_pool2d(result, self.scale),
                                                          F.avg_pool2d(large, self.scale))
        if s["phases"]:
            total = total + s["phases"] * rounded_l1(phase_means(result, self.scale),
                                                     phase_means(large, self.scale))
        if self.features:
            # The grid of the features' pooling must not lie on that of the last pixel shuffle: a
            # pattern of dots that repeats with both would cost nothing.
            y, x = (int(v) for v in torch.randint(GRID, (2,)))
            part = np.s_[..., y:result.shape[2] - GRID + y, x:result.shape[3] - GRID + x]
            made = self.features(result[part])
            with torch.no_grad():
                true = self.features(large[part])
            if s["perceptual"]:
                total = total + s["perceptual"] * sum(map(Distance.apply, made, true))
            if s["coarse"]:
                coarse = self.features(F.avg_pool2d(result[part], 2))
                with torch.no_grad():
                    true_coarse = self.features(F.avg_pool2d(large[part], 2))
                total = total + s["coarse"] * sum(map(Distance.apply, coarse, true_coarse))
            if s["texture"]:
                with torch.no_grad():
                    true_textures = textures(true)
                total = total + s["texture"] * sum(map(Distance.apply, textures(made),
                                                       true_textures))
            if self.critic:
                self.teach([f.detach() for f in made], true)
                total = total + s["adversarial"] * self.judge(made, true)
        return total

    def judge(self, made, true):
        """The adversarial loss; the critic itself learns nothing from it."""
        self.critic.requires_grad_(False)
        with torch.no_grad():
            of_true = self.critic(true)
        loss = relativistic(self.critic(made), of_true)
        self.critic.requires_grad_(True)
        return loss

    def teach(self, made, true):
        """One step of the critic."""
        loss = relativistic(self.critic(true), self.critic(made))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()

    def state(self):
        """What a checkpoint keeps of the critic."""
        if not self.critic:
            return None
        return {"critic": self.critic.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load(self, state):
        """Go on from it; a run that had no critic begins one."""
        if self.critic and state:
            self.critic.load_state_dict(state["critic"])
            self.optimiser.load_state_dict(state["optimiser"])
