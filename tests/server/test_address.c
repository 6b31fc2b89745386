/* SPDX-License-Identifier: Apache-2.0 */
/* test_address.c -- spellings of addresses that a stranger's URL must not lead to, as the resolver
 * reads them, the ends of each range, and addresses that it may. */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "unit/cmocka_all.h"

#include "base/mem.h"
#include "server/address.h"

/* What the resolver makes of a host in a URL, without asking anybody. */
static bool is_public(const char *host)
{
    const struct addrinfo how = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (getaddrinfo(host, "443", &how, &found))
        fail_msg("%s is no address", host);
    const bool yes = fov_address_is_public(found->ai_addr);
    freeaddrinfo(found);
    return yes;
}

static void what_is_inside_is_refused(void **state)
{
    static const char *const hosts[] = {
        /* this machine, in decimal, octal, hex, short */
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1",
        "017700000001", "0x7f.0x0.0x0.0x1", "127.255.255.255", "0", "0.0.0.0", "0x0", "00",
        "0.255.255.255",
        /* private networks */
        "10.0.0.1", "10.255.255.255", "0xa000001", "012.0.0.1", "172.16.0.1", "172.31.255.255",
        "2886729729", "192.168.0.1", "192.168.255.255", "0xc0a80001", "3232235521", "192.168.1",
        /* links, metadata, carriers */
        "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.0.1",
        "100.64.0.1", "100.100.100.200", "100.127.255.255", "192.0.0.192",
        /* groups, reserved, documentation */
        "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "198.18.0.1",
        "198.19.255.255", "192.0.2.1", "198.51.100.7", "203.0.113.9", "192.88.99.1",
        /* IPv6: this machine, links, private, groups, documentation */
        "::", "::1", "0:0:0:0:0:0:0:1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254",
        "ff02::1", "ff0e::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
        /* and IPv4 within it */
        "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.1.2.3",
        "64:ff9b:1::10.1.2.3", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1", "::ffff:0:127.0.0.1",
        "fe80::1%1"};
    (void)state;
    assert_true(FOV_N_ELEMENTS(hosts) >= 60);
    for (size_t i = 0; i < FOV_N_ELEMENTS(hosts); i++)
        if (is_public(hosts[i]))
            fail_msg("%s passed", hosts[i]);
}

static void what_is_outside_passes(void **state)
{
    static const char *const hosts[] = {"1.0.0.0",
                                        "1.1.1.1",
                                        "8.8.8.8",
                                        "9.255.255.255",
                                        "11.0.0.0",
                                        "100.63.255.255",
                                        "100.128.0.0",
                                        "126.255.255.255",
                                        "128.0.0.0",
                                        "169.253.255.255",
                                        "169.255.0.0",
                                        "172.15.255.255",
                                        "172.32.0.0",
                                        "192.0.1.0",
                                        "192.167.255.255",
                                        "192.169.0.0",
                                        "198.17.255.255",
                                        "198.20.0.0",
                                        "223.255.255.255",
                                        "2001:4860:4860::8888",
                                        "2606:4700:4700::1111",
                                        "2a00:1450:4001:80b::200e",
                                        "2003::1",
                                        "2001:200::1",
                                        "::ffff:8.8.8.8",
                                        "64:ff9b::8.8.8.8"};
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(hosts); i++)
        if (!is_public(hosts[i]))
            fail_msg("%s was refused", hosts[i]);
}

static void what_is_no_address_of_the_internet(void **state)
{
    const struct sockaddr_un local = {.sun_family = AF_UNIX};
    (void)state;
    assert_false(fov_address_is_public((const struct sockaddr *)&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_inside_is_refused),
        cmocka_unit_test(what_is_outside_passes),
        cmocka_unit_test(what_is_no_address_of_the_internet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
