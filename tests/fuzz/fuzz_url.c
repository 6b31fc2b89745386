/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_url.c -- any bytes as a URL, or as an address: what is inside is refused, however it is
 * spelt, and nobody is asked.
 *
 * The first byte says what follows: 4, an IPv4 address; 6, one of IPv6; anything else, a URL.
 * libFuzzer's entry. Names are not resolved: fov_fetch() runs only for hosts that are numbers of
 * an address inside, which it must refuse before it dials.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "server/address.h"
#include "server/fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define need(holds)                                                                                \
    do {                                                                                           \
        if (!(holds))                                                                              \
            __builtin_trap();                                                                      \
    } while (0)

/* ---- addresses --------------------------------------------------------------------------- */

static bool is_public_4(const uint8_t *a)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    memcpy(&to.sin_addr, a, 4);
    return fov_address_is_public((const struct sockaddr *)&to);
}

static bool is_public_6(const uint8_t *a)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6};
    memcpy(&to.sin6_addr, a, 16);
    return fov_address_is_public((const struct sockaddr *)&to);
}

/* The best known of what is inside, said another way. */
static bool is_surely_inside(const uint8_t *a)
{
    return a[0] == 0 || a[0] == 10 || a[0] == 127 || a[0] >= 224 || (a[0] == 192 && a[1] == 168) ||
           (a[0] == 169 && a[1] == 254) || (a[0] == 172 && a[1] / 16 == 1) ||
           (a[0] == 100 && a[1] / 64 == 1);
}

/* An IPv4 address, and IPv6 addresses that hold it. */
static void check_address_4(const uint8_t *a)
{
    uint8_t mapped[16] = {[10] = 0xff, 0xff}, nat64[16] = {0, 0x64, 0xff, 0x9b};
    uint8_t compatible[16] = {0}, by_6to4[16] = {0x20, 0x02};
    memcpy(mapped + 12, a, 4);
    memcpy(nat64 + 12, a, 4);
    memcpy(compatible + 12, a, 4);
    memcpy(by_6to4 + 2, a, 4);
    need(!is_surely_inside(a) || !is_public_4(a));
    need(is_public_6(mapped) == is_public_4(a) && is_public_6(nat64) == is_public_4(a));
    need(!is_public_6(compatible) && !is_public_6(by_6to4));
}

static void check_address_6(const uint8_t *a)
{
    const bool may_be = a[0] >> 5 == 1 || (!a[0] && is_public_4(a + 12));
    need(may_be || !is_public_6(a));
}

/* ---- URLs -------------------------------------------------------------------------------- */

/* Is the host a number, of an address that is inside? */
static bool is_number_inside(char *host)
{
    const struct addrinfo how = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    const size_t n = strlen(host);
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = '\0';
        host++;
    }
    if (getaddrinfo(host, NULL, &how, &found))
        return false;
    const bool inside = !fov_address_is_public(found->ai_addr);
    freeaddrinfo(found);
    return inside;
}

static void must_be_refused(const char *url)
{
    const struct fov_fetch_options options = {.timeout_ms = FOV_FETCH_LEAST_MS, .max_bytes = 1000};
    struct fov_err err = {0};
    unsigned char *got;
    size_t n;
    const enum fov_code rc = fov_fetch(url, &options, &got, &n, &err);
    need(rc == FOV_EUSAGE || rc == FOV_EFORMAT); /* this machine may have no IPv6 */
    need(err.code == rc && err.text[0] && !strstr(err.text, "the server"));
}

/* What passed, as libcurl takes it. */
static void check_passed(const char *url, bool allowed)
{
    CURLU *const parts = curl_url();
    char *scheme = NULL, *host = NULL;
    need(parts);
    if (!curl_url_set(parts, CURLUPART_URL, url, 0) &&
        !curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) &&
        !curl_url_get(parts, CURLUPART_HOST, &host, 0)) {
        need(!strcasecmp(scheme, "https") || (allowed && !strcasecmp(scheme, "http")));
        if (!allowed && is_number_inside(host))
            must_be_refused(url);
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
}

static void check_url(const uint8_t *data, size_t bytes, const char *allow)
{
    struct fov_err err = {0};
    char *const url = fov_calloc(bytes + 1, 1);
    need(url);
    if (bytes)
        memcpy(url, data, bytes);
    if (!fov_fetch_check_url(url, "url", allow, &err)) {
        need(strlen(url) <= 8000 && !strpbrk(url, " \t\r\n\v\f\x7f"));
        check_passed(url, allow != NULL);
    } else {
        need(err.code == FOV_EUSAGE && !strncmp(err.text, "url ", 4));
    }
    fov_free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static bool is_started;
    if (!is_started) {
        need(!fov_fetch_start(NULL));
        is_started = true;
    }
    if (bytes >= 5 && data[0] == 4) {
        check_address_4(data + 1);
    } else if (bytes >= 17 && data[0] == 6) {
        check_address_6(data + 1);
    } else {
        check_url(data, bytes, NULL);
        check_url(data, bytes, "127.0.0.1:1");
    }
    return 0;
}
