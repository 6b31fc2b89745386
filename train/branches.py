# SPDX-License-Identifier: Apache-2.0
"""Branches that exist in training only: a second way from the input of a convolution to its sum.

Each 3x3 convolution with as many channels out as in is trained as the sum of itself and of a pair,
1x1 to a wider layer and 3x3 back, with nothing between them. The pair is again a 3x3 convolution:
it is folded into the first at every step, on the weights, so that training costs next to nothing
more and the network that runs is the plain one (Bhardwaj et al., SESR, arXiv:2103.09404).

The pair of NAME.weight is NAME.wide [n, channels] and NAME.back [channels, n, 3, 3].
"""
import torch


def grow(weights, width):
    """Give every square 3x3 convolution a pair of `width` times its channels that adds nothing
    yet; width 0: none."""
    if not width:
        return weights
    grown = dict(weights)
    for key, w in weights.items():
        if w.dim() == 4 and w.shape[0] == w.shape[1] and w.shape[2:] == (3, 3):
            n = int(width * w.shape[0])
            name = key[:-len(".weight")]
            grown[name + ".wide"] = torch.randn(n, w.shape[1]) * w.shape[1] ** -0.5
            grown[name + ".back"] = torch.zeros(w.shape[0], n, 3, 3)
    return grown


def fold(weights):
    """The plain network."""
    plain = {}
    for key, w in weights.items():
        if key.endswith((".wide", ".back")):
            continue
        name = key[:-len(".weight")]
        if name + ".wide" in weights:
            w = w + torch.einsum("onyx,ni->oiyx", weights[name + ".back"],
                                 weights[name + ".wide"])
        plain[key] = w
    return plain
