/* SPDX-License-Identifier: Apache-2.0 */
/* test_fetch.c -- what a URL may bring, and where it may not lead, against a small server.
 *
 * The server is a child of this process on a port of 127.0.0.1, which the tests alone allow; that
 * it is asked or not asked is counted in memory that both see.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/cmocka_all.h"

#include "base/clock.h"
#include "base/mem.h"
#include "server/fetch.h"

enum { LARGE = 3000 };

static char allowed[40];
static int port;
static pid_t server;
static atomic_int *n_asked;

/* ---- the server -------------------------------------------------------------------------- */

static void say(int to, const char *text)
{
    if (send(to, text, strlen(text), MSG_NOSIGNAL) < 0)
        return;
}

static void answer(int to, const char *path, const char *request)
{
    static char body[LARGE + 1];
    char head[200];
    memset(body, 'x', LARGE);
    if (!strcmp(path, "/file")) {
        say(to, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    } else if (!strcmp(path, "/echo")) {
        (void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                       strlen(request));
        say(to, head);
        say(to, request);
    } else if (!strcmp(path, "/large")) {
        (void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE);
        say(to, head);
        say(to, body);
    } else if (!strcmp(path, "/unsaid")) { /* as large, without a word about that */
        say(to, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        say(to, body);
    } else if (!strcmp(path, "/cut")) {
        say(to, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
    } else if (!strcmp(path, "/empty")) {
        say(to, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    } else if (!strcmp(path, "/slow")) {
        say(to, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
        (void)sleep(3);
    } else if (!strncmp(path, "/to/", 4)) {
        (void)snprintf(head, sizeof(head),
                       "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %.100s\r\n\r\n",
                       path + 4);
        say(to, head);
    } else {
        say(to, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
    }
}

static void serve(int listener)
{
    for (;;) {
        char request[4096] = "", path[1024] = "";
        size_t n = 0;
        ssize_t got;
        const int to = accept(listener, NULL, NULL);
        while (!strstr(request, "\r\n\r\n") && n < sizeof(request) - 1 &&
               (got = recv(to, request + n, sizeof(request) - 1 - n, 0)) > 0)
            request[n += (size_t)got] = '\0';
        (void)atomic_fetch_add(n_asked, 1);
        if (sscanf(request, "GET %1023s", path) == 1)
            answer(to, path, request);
        (void)close(to);
    }
}

static int start(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)state;
    n_asked =
        mmap(NULL, sizeof(*n_asked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 16) ||
        getsockname(listener, (struct sockaddr *)&at, &n) || n_asked == MAP_FAILED)
        return -1;
    port = ntohs(at.sin_port);
    (void)snprintf(allowed, sizeof(allowed), "127.0.0.1:%d", port);
    if (!(server = fork()))
        serve(listener);
    (void)close(listener);
    return fov_fetch_start(NULL) ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    (void)kill(server, SIGKILL);
    fov_fetch_stop();
    return waitpid(server, NULL, 0) == server ? 0 : -1;
}

/* ---- fetching ---------------------------------------------------------------------------- */

static struct fov_fetch_options options; /* of the next fetch */
static char got[LARGE + 4096];
static struct fov_err why;

static int fresh(void **state)
{
    (void)state;
    options = (struct fov_fetch_options){
        .what = "url", .timeout_ms = 15000, .max_bytes = 1 << 20, .allow = allowed};
    return 0;
}

static enum fov_code fetch(const char *url)
{
    unsigned char *data = NULL;
    size_t n = 0;
    why = (struct fov_err){0};
    const enum fov_code rc = fov_fetch(url, &options, &data, &n, &why);
    assert_int_equal(why.code, rc);
    assert_true(!rc == !why.text[0]);
    if (!rc) {
        assert_true(n < sizeof(got));
        memcpy(got, data, n);
        got[n] = '\0';
        fov_free(data);
    }
    return rc;
}

static enum fov_code fetch_path(const char *path)
{
    char url[2000];
    (void)snprintf(url, sizeof(url), "http://%s%s", allowed, path);
    return fetch(url);
}

static void a_file(void **state)
{
    (void)state;
    assert_int_equal(fetch_path("/file"), FOV_OK);
    assert_string_equal(got, "hello");
    assert_int_equal(fetch_path("/to//file"), FOV_OK); /* one redirect */
    assert_string_equal(got, "hello");
}

static void what_is_asked_with(void **state)
{
    (void)state;
    options.user_agent = "shop/1";
    options.user = "me";
    options.password = "secret";
    options.headers[0] = "X-One: 1";
    options.headers[1] = "Cookie: a=b";
    options.headers[2] = "Transfer-Encoding: chunked";
    options.headers[3] = "HOST: elsewhere";
    options.headers[4] = "X-Two: 2";
    assert_int_equal(fetch_path("/echo"), FOV_OK);
    assert_non_null(strstr(got, "User-Agent: shop/1\r\n"));
    assert_non_null(strstr(got, "Authorization: Basic bWU6c2VjcmV0\r\n"));
    assert_non_null(strstr(got, "X-One: 1\r\n"));
    assert_non_null(strstr(got, "X-Two: 2\r\n"));
    assert_null(strcasestr(got, "cookie"));
    assert_null(strcasestr(got, "chunked"));
    assert_null(strstr(got, "elsewhere"));
}

/* A redirect to another name of the same machine is one to a stranger. */
static void what_a_redirect_is_told(void **state)
{
    char elsewhere[100];
    (void)state;
    options.user = "me";
    options.password = "secret";
    options.headers[0] = "X-Api-Key: s3";
    assert_int_equal(fetch_path("/to//echo"), FOV_OK);
    assert_non_null(strstr(got, "X-Api-Key: s3\r\n"));
    assert_non_null(strstr(got, "Authorization: Basic bWU6c2VjcmV0\r\n"));
    (void)snprintf(elsewhere, sizeof(elsewhere), "/to/http://localhost:%d/echo", port);
    if (fetch(elsewhere + 4))
        skip(); /* it has an IPv6 address, too, where nobody listens */
    assert_int_equal(fetch_path(elsewhere), FOV_OK);
    assert_null(strstr(got, "X-Api-Key"));
    assert_null(strstr(got, "Authorization"));
}

static void headers_that_are_none(void **state)
{
    static const char *const headers[] = {
        "",           "X-One",     ": 1",        "X One: 1", "X-One: 1\r\nX-Two: 2",
        "X-One: 1\n", "X-\x01: 1", "X-One: \x7f"};
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(headers); i++) {
        options.headers[0] = headers[i];
        assert_int_equal(fetch_path("/file"), FOV_EUSAGE);
    }
}

static void too_large(void **state)
{
    (void)state;
    options.max_bytes = LARGE;
    assert_int_equal(fetch_path("/large"), FOV_OK);
    assert_int_equal(fetch_path("/unsaid"), FOV_OK);
    options.max_bytes = LARGE - 1;
    assert_int_equal(fetch_path("/large"), FOV_ELIMIT);
    assert_string_equal(why.text, "url: the file is over the limit of 2999 bytes");
    assert_int_equal(fetch_path("/unsaid"), FOV_ELIMIT);
}

static void what_is_no_file(void **state)
{
    (void)state;
    assert_int_equal(fetch_path("/none"), FOV_EFORMAT);
    assert_string_equal(why.text, "url: the server answered 404");
    assert_int_equal(fetch_path("/empty"), FOV_EFORMAT);
    assert_int_equal(fetch_path("/cut"), FOV_EFORMAT);
    assert_int_equal(fetch_path("/to//to//to//to//to//to//file"), FOV_EFORMAT);
    assert_string_equal(why.text, "url: leads through more than 5 redirects");
}

static void what_takes_too_long(void **state)
{
    (void)state;
    options.timeout_ms = 1000;
    const double before_s = fov_clock_s();
    assert_int_equal(fetch_path("/slow"), FOV_EFORMAT);
    assert_string_equal(why.text, "url: the file did not arrive within 1000 ms");
    assert_true(fov_clock_s() - before_s < 2.5);
}

static int always(void *user)
{
    (void)user;
    return 1;
}

static void what_is_stopped(void **state)
{
    (void)state;
    options.stopped = always;
    assert_int_equal(fetch_path("/file"), FOV_ECANCEL);
}

/* ---- where it may not lead ---------------------------------------------------------------- */

static void nothing_inside_is_asked(void **state)
{
    static const char *const hosts[] = {
        "127.0.0.1",    "localhost",  "127.1",       "2130706433",         "0x7f000001",
        "0177.0.0.1",   "0",          "[::1]",       "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
        "me@127.0.0.1", "127.0.0.1.", "127%2e0.0.1", "LOCALHOST",          "[::]"};
    (void)state;
    options.allow = NULL;
    const int before = atomic_load(n_asked);
    for (size_t i = 0; i < FOV_N_ELEMENTS(hosts); i++) {
        char url[100];
        (void)snprintf(url, sizeof(url), "https://%s:%d/file", hosts[i], port);
        assert_int_not_equal(fetch(url), FOV_OK);
        (void)snprintf(url, sizeof(url), "http://%s:%d/file", hosts[i], port);
        assert_int_equal(fetch(url), FOV_EUSAGE);
    }
    assert_int_equal(fetch("https://127.0.0.1/"), FOV_EUSAGE);
    assert_string_equal(why.text, "url: leads to an address that is not on the Internet");
    assert_int_equal(fetch("https://169.254.169.254/latest/meta-data/"), FOV_EUSAGE);
    assert_int_equal(fetch("https://[fd00:ec2::254]/"), FOV_EUSAGE);
    assert_int_equal(atomic_load(n_asked), before);
}

static void no_redirect_leads_inside(void **state)
{
    char path[200];
    static const char *const hosts[] = {"127.0.0.2", "localhost.localdomain", "[::1]",
                                        "0x7f000002"};
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(hosts); i++) {
        const int before = atomic_load(n_asked);
        (void)snprintf(path, sizeof(path), "/to/http://%s:%d/file", hosts[i], port);
        assert_int_not_equal(fetch_path(path), FOV_OK);
        assert_int_equal(atomic_load(n_asked), before + 1); /* the redirect itself */
    }
    assert_int_equal(fetch_path("/to/http://169.254.169.254/"), FOV_EUSAGE);
    assert_int_equal(fetch_path("/to/file:///etc/passwd"), FOV_EUSAGE);
    assert_int_equal(fetch_path("/to/gopher://127.0.0.1/"), FOV_EUSAGE);
}

static void a_proxy_of_the_environment_is_not_used(void **state)
{
    char proxy[60];
    (void)state;
    (void)snprintf(proxy, sizeof(proxy), "http://%s", allowed);
    (void)setenv("https_proxy", proxy, 1);
    (void)setenv("all_proxy", proxy, 1);
    const int before = atomic_load(n_asked);
    assert_int_equal(fetch("https://169.254.169.254/"), FOV_EUSAGE);
    assert_int_equal(atomic_load(n_asked), before);
    (void)unsetenv("https_proxy");
    (void)unsetenv("all_proxy");
}

static void urls_that_are_none(void **state)
{
    static const char *const urls[] = {"",
                                       "https:",
                                       "https://",
                                       "example.com",
                                       "//example.com/",
                                       "ftp://1.1.1.1/",
                                       "file:///etc/passwd",
                                       "data:image/png;base64,AAAA",
                                       "https://a b/",
                                       "https://a\r\nb/",
                                       "https://[::1/",
                                       "javascript:alert(1)",
                                       "https://1.1.1.1:99999/"};
    char long_one[9000] = "https://example.com/";
    (void)state;
    options.allow = NULL;
    for (size_t i = 0; i < FOV_N_ELEMENTS(urls); i++)
        if (fetch(urls[i]) != FOV_EUSAGE)
            fail_msg("'%s': %s", urls[i], why.text);
    memset(long_one + 20, 'a', sizeof(long_one) - 21);
    assert_int_equal(fetch(long_one), FOV_EUSAGE);
}

#define each(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(a_file),
        each(what_is_asked_with),
        each(what_a_redirect_is_told),
        each(headers_that_are_none),
        each(too_large),
        each(what_is_no_file),
        each(what_takes_too_long),
        each(what_is_stopped),
        each(nothing_inside_is_asked),
        each(no_redirect_leads_inside),
        each(a_proxy_of_the_environment_is_not_used),
        each(urls_that_are_none),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
