/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h -- numbers in files: little endian, at any address. */
#ifndef FOV_NET_BYTES_H
#define FOV_NET_BYTES_H

#include <stdint.h>

static inline uint32_t fov_le16(const unsigned char *p)
{
    return (uint32_t)(p[0] | p[1] << 8);
}

static inline uint32_t fov_le32(const unsigned char *p)
{
    return fov_le16(p) | fov_le16(p + 2) << 16;
}

static inline uint64_t fov_le64(const unsigned char *p)
{
    return fov_le32(p) | (uint64_t)fov_le32(p + 4) << 32;
}

#endif
