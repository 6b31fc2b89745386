/* SPDX-License-Identifier: Apache-2.0 */
/* address.c -- which addresses a stranger's URL may lead to.
 *
 * A list of what is not public, by the registries of special-purpose addresses (IANA, RFC 6890 and
 * what came after it). IPv6 has a list of what is: 2000::/3 is all that has been given out.
 *
 * Threads: any. Owns: nothing. Trust: any address.
 */
#include "server/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

struct range {
    uint8_t first[16];
    int n_bits;
};

static const struct range not_public_4[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* carrier's NAT; clouds' own services */
    {{127}, 8},           /* this machine */
    {{169, 254}, 16},     /* this link; metadata of clouds */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocols; metadata */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 31, 196}, 24}, /* AS112 */
    {{192, 52, 193}, 24}, /* AMT */
    {{192, 88, 99}, 24},  /* 6to4 relays, and now nothing */
    {{192, 168}, 16},     /* private */
    {{192, 175, 48}, 24}, /* AS112 */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* groups */
    {{240}, 4},           /* reserved, and everybody */
};

static const struct range given_out_6 = {{0x20}, 3};

static const struct range not_public_6[] = {
    {{0x20, 0x01, 0x00}, 23},             /* protocols: Teredo, ORCHID, benchmarks ... */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},       /* documentation */
    {{0x20, 0x02}, 16},                   /* 6to4: an IPv4 address in disguise */
    {{0x26, 0x20, 0x00, 0x4f, 0x80}, 48}, /* AS112 */
    {{0x3f, 0xff}, 20},                   /* documentation */
};

/* IPv6 addresses that stand for the IPv4 address in their last four bytes. */
static const struct range mapped_6 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
static const struct range nat64_6 = {{0x00, 0x64, 0xff, 0x9b}, 96};

static bool is_in(const struct range *range, const uint8_t *address)
{
    const size_t whole = (size_t)range->n_bits / 8;
    const int rest = range->n_bits % 8;
    return !memcmp(range->first, address, whole) &&
           (!rest || !((range->first[whole] ^ address[whole]) >> (8 - rest)));
}

static bool is_in_any(const struct range *ranges, size_t n, const uint8_t *address)
{
    for (size_t i = 0; i < n; i++)
        if (is_in(&ranges[i], address))
            return true;
    return false;
}

static bool is_public_4(const uint8_t *address)
{
    return !is_in_any(not_public_4, FOV_N_ELEMENTS(not_public_4), address);
}

static bool is_public_6(const uint8_t *address)
{
    if (is_in(&mapped_6, address) || is_in(&nat64_6, address))
        return is_public_4(address + 12);
    return is_in(&given_out_6, address) &&
           !is_in_any(not_public_6, FOV_N_ELEMENTS(not_public_6), address);
}

bool fov_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_public_4(
            (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    if (address->sa_family == AF_INET6)
        return is_public_6(
            (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    return false;
}
