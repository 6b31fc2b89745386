/* SPDX-License-Identifier: Apache-2.0 */
/* half.h -- IEEE 754 binary16 in software, for where the CPU may not have it. */
#ifndef FOV_BASE_HALF_H
#define FOV_BASE_HALF_H

#include <stdint.h>
#include <string.h>

/* Exact. Without a branch, so that compilers make vectors of a loop over it. */
static inline float fov_from_half(uint16_t h)
{
    const uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13;
    uint32_t bits;
    float value;

    memcpy(&value, &magnitude, sizeof(value)); /* 2^-112 of it: the exponents begin elsewhere */
    value *= 0x1p112f;
    memcpy(&bits, &value, sizeof(bits));
    bits |= (uint32_t)(h & 0x8000) << 16 | (magnitude >= 31u << 23 ? 255u << 23 : 0);
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* Rounded to the nearest, ties to even, as VCVTPS2PH does; too large becomes infinite. */
static inline uint16_t fov_to_half(float value)
{
    uint32_t bits, rest, half, lost;
    memcpy(&bits, &value, sizeof(bits));
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t magnitude = bits & 0x7fffffff;

    if (magnitude > 0x7f800000) /* NaN, quiet */
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x477ff000) /* rounds to 65536 or more */
        return sign | 0x7c00;
    if (magnitude < 0x33000000) /* below half of the smallest subnormal */
        return sign;
    if (magnitude < 0x38800000) { /* subnormal: mantissa with its leading 1, shifted */
        const uint32_t shift = 126 - (magnitude >> 23), full = (magnitude & 0x7fffff) | 0x800000;
        half = full >> shift;
        rest = full & ((1u << shift) - 1);
        lost = 1u << (shift - 1);
    } else {
        half = (magnitude - 0x38000000) >> 13;
        rest = magnitude & 0x1fff;
        lost = 0x1000;
    }
    half += rest > lost || (rest == lost && (half & 1));
    return (uint16_t)(sign | half);
}

#endif
