/* SPDX-License-Identifier: Apache-2.0 */
/* test_request.c -- bodies of requests: what is taken, what is refused and with which words.
 *
 * Base64 is made here by a writer of its own. `--bench` times a body of 60 MB instead.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/cmocka_all.h"

#include "base/clock.h"
#include "base/mem.h"
#include "server/base64.h"
#include "server/request.h"

/* A body of one file "hello" with more members after it, and of a file with more members in it. */
#define BODY(more)   "{\"file\":{\"base64\":\"aGVsbG8=\"}," more "}"
#define FILE_(more)  "{\"operations\":[],\"file\":{" more "}}"
#define FETCH(more)  FILE_("\"url\":\"https://a/\",\"fetch_options\":{" more "}")
#define AUTH(more)   FETCH("\"auth\":{" more "}")
#define BASE64(text) FILE_("\"base64\":\"" text "\"")

static struct fov_request_options options;
static char *body; /* of `request`, a block of its very size */
static struct fov_request *request;
static struct fov_err why;

static int fresh(void **state)
{
    (void)state;
    options = (struct fov_request_options){.max_file_bytes = 1 << 20};
    return 0;
}

static int clear(void **state)
{
    (void)state;
    fov_request_free(request);
    fov_free(body);
    request = NULL;
    body = NULL;
    return 0;
}

static enum fov_code parse_n(const char *text, size_t n)
{
    (void)clear(NULL);
    body = fov_calloc(n, 1);
    assert_non_null(body);
    memcpy(body, text, n);
    why = (struct fov_err){0};
    const enum fov_code rc = fov_request_parse(body, n, &options, &request, &why);
    assert_int_equal(why.code, rc);
    assert_true(!rc == !why.text[0] && !rc == !!request);
    if (!rc)
        assert_true(request->has_file == !!request->file && request->has_file == !request->url);
    return rc;
}

static enum fov_code parse(const char *text)
{
    return parse_n(text, strlen(text));
}

static void must_parse(const char *text)
{
    if (parse(text))
        fail_msg("%s: %s", text, why.text);
}

static void must_hold(const void *file, size_t n)
{
    assert_int_equal(request->file_bytes, n);
    assert_memory_equal(request->file, file, n);
}

/* Base64 of `n` bytes, bit by bit. */
static void encode(const unsigned char *bytes, size_t n, char *text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    for (; at * 6 < n * 8; at++) {
        unsigned value = 0;
        for (size_t bit = at * 6; bit < at * 6 + 6; bit++)
            value = value << 1 | (bit < n * 8 && bytes[bit / 8] >> (7 - bit % 8) & 1);
        text[at] = alphabet[value];
    }
    while (at % 4)
        text[at++] = '=';
    text[at] = '\0';
}

/* ---- refusals ------------------------------------------------------------------------------ */

static const struct {
    const char *text;
    enum fov_code code;
    const char *says;
} refusals[] = {
    {"", FOV_EUSAGE, "the body is empty"},
    {" ", FOV_EUSAGE, "the body is not JSON: line 1"},
    {"{\n \"file\": oh}", FOV_EUSAGE, "the body is not JSON: line 2, column 11:"},
    {BODY("\"operations\":[]") "x", FOV_EUSAGE, "not JSON: line 1, column 47: end"},
    {"{\"file\":{\"base64\":\"aGVsbG8=", FOV_EUSAGE, "not JSON"},
    {"{\"\\u00\xc3\xa4\":1}", FOV_EUSAGE, "column 7: invalid escape near '\"\\u00?'"},
    {"[]", FOV_EUSAGE, "the body is not an object"},
    {"7", FOV_EUSAGE, "the body is not an object"},
    {"{}", FOV_EUSAGE, "file is missing"},
    {"{\"file\":null}", FOV_EUSAGE, "file is missing"},
    {"{\"file\":\"aGVsbG8=\"}", FOV_EUSAGE, "file is not an object"},
    {FILE_(""), FOV_EUSAGE, "file has neither base64 nor url"},
    {FILE_("\"base64\":null"), FOV_EUSAGE, "file has neither base64 nor url"},
    {FILE_("\"base64\":\"aGVsbG8=\",\"url\":\"https://a/\""), FOV_EUSAGE, "both base64 and url"},
    {FILE_("\"type\":\"path\",\"url\":\"https://a/\""), FOV_EUSAGE, "file.type is neither"},
    {FILE_("\"type\":1,\"url\":\"https://a/\""), FOV_EUSAGE, "file.type is not a text"},
    {FILE_("\"type\":\"base64\",\"url\":\"https://a/\""), FOV_EUSAGE, "there is no file.base64"},
    {FILE_("\"type\":\"url\",\"base64\":\"aGVsbG8=\""), FOV_EUSAGE, "there is no file.url"},
    {FILE_("\"name\":1,\"base64\":\"aGVsbG8=\""), FOV_EUSAGE, "file.name is not a text"},
    {FILE_("\"url\":1"), FOV_EUSAGE, "file.url is not a text"},
    {FILE_("\"url\":\"http://a/\""), FOV_EUSAGE, "file.url must begin with https://"},
    {FILE_("\"url\":\"\""), FOV_EUSAGE, "file.url must begin with https://"},
    {FILE_("\"url\":\"https://a b\""), FOV_EUSAGE, "file.url holds blanks"},
    {FILE_("\"base64\":1"), FOV_EUSAGE, "file.base64 is not a text"},
    {FILE_("\"base64\":[\"aGVsbG8=\"]"), FOV_EUSAGE, "file.base64 is not a text"},
    {BASE64(""), FOV_EUSAGE, "file.base64 is empty"},
    {BASE64("data:image/png;base64,"), FOV_EUSAGE, "file.base64 is empty"},
    {BASE64("aGVsb"), FOV_EUSAGE, "file.base64 is cut short"},
    {BASE64("aGVsbG8=="), FOV_EUSAGE, "file.base64 is not base64: character 8"},
    {BASE64("aGVsb==="), FOV_EUSAGE, "file.base64 is not base64: character 6"},
    {BASE64("aGVs bG8="), FOV_EUSAGE, "character 5 cannot"},
    {BASE64("aGVs\\nbG8="), FOV_EUSAGE, "character 5 cannot"},
    {BASE64("aGVs\nbG8="), FOV_EUSAGE, "character 5 cannot"},
    {BASE64("a-_lbG8="), FOV_EUSAGE, "character 2 cannot"},
    {BASE64("aG==bG8="), FOV_EUSAGE, "character 3 cannot"},
    {BASE64("aGV\\u012bbG8="), FOV_EUSAGE, "character 4 cannot"},
    {BASE64("aGV\\u0000bG8="), FOV_EUSAGE, "character 4 cannot"},
    {BASE64("aGV\xc3\xa4"), FOV_EUSAGE, "character 4 cannot"},
    {BASE64("aGVs\\qbG8="), FOV_EUSAGE, "file.base64 holds an escape that JSON does not know"},
    {BASE64("aGVs\\u00g0"), FOV_EUSAGE, "file.base64 holds an escape that JSON does not know"},
    {BASE64("aGVs\\u00"), FOV_EUSAGE, "file.base64 holds an escape that JSON does not know"},
    {BASE64("data:image/png,aGVsbG8="), FOV_EUSAGE, "file.base64 begins like a data URI"},
    {BASE64("data:text/plain;base64,aGVsbG8="), FOV_EUSAGE, "file.base64 begins like a data URI"},
    {BASE64("data:image/p\xc3\xa4;base64,aA=="), FOV_EUSAGE, "file.base64 begins like a data URI"},
    {BASE64("data:image/p\nn;base64,aA=="), FOV_EUSAGE, "file.base64 begins like a data URI"},
    {BASE64("data:,"), FOV_EUSAGE, "file.base64 begins like a data URI"},
    {BASE64("data:image/png;base64,aGV!"), FOV_EUSAGE, "character 26 cannot"},
    {BODY("\"operations\":null"), FOV_EUSAGE, "operations is missing"},
    {BODY("\"operations\":{}"), FOV_EUSAGE, "operations is not an array"},
    {BODY("\"operations\":[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1]"),
     FOV_EUSAGE, "operations has 31, over the limit of 30"},
    {BODY("\"operations\":[],\"webhook_url\":1"), FOV_EUSAGE, "webhook_url is not a text"},
    {BODY("\"operations\":[],\"webhook_url\":\"http://a/\""), FOV_EUSAGE,
     "webhook_url must begin with https://"},
    {BODY("\"operations\":[],\"dry_run\":1"), FOV_EUSAGE, "dry_run is neither true nor false"},
    {BODY("\"operations\":[],\"operations\":[]"), FOV_EUSAGE, "not JSON: line 1, column 58: dup"},
    {BODY("\"operations\":[{\"a\":1,\"a\":2}]"), FOV_EUSAGE, "duplicate"},
    {FILE_("\"base64\":\"aGVsbG8=\",\"base64\":\"aGVsbG8=\""), FOV_EUSAGE, "file.base64 twice"},
    {FILE_("\"base64\":\"aGVsbG8=\",\"b\\u0061se64\":\"\""), FOV_EUSAGE, "file.base64 twice"},
    {FILE_("\"base64\":\"aGVsbG8=\"},\"file\":{\"base64\":\"aA==\""), FOV_EUSAGE, "twice"},
    {FILE_("\"base64\":1,\"base64\":\"aA==\""), FOV_EUSAGE, "duplicate"},
    {FILE_("\"base64\":\"aA==\" \"name\":\"a\""), FOV_EUSAGE, "not JSON"},
    {FILE_("\"base64\",\"aA==\""), FOV_EUSAGE, "not JSON"},
    {FILE_("\"base64\":5 \"aA==\""), FOV_EUSAGE, "not JSON"},
    {"{\"operations\":[],\"file\":[\"base64\":\"aA==\"]}", FOV_EUSAGE, "not JSON"},
    {FILE_("\"url\":\"https://a/\",\"fetch_options\":[]"), FOV_EUSAGE, "fetch_options is not an"},
    {FETCH("\"timeout_ms\":999"), FOV_EUSAGE, "timeout_ms is not a whole number from 1000 to 60"},
    {FETCH("\"timeout_ms\":60001"), FOV_EUSAGE, "fetch_options.timeout_ms is not"},
    {FETCH("\"timeout_ms\":1000.5"), FOV_EUSAGE, "fetch_options.timeout_ms is not"},
    {FETCH("\"timeout_ms\":-1e300"), FOV_EUSAGE, "fetch_options.timeout_ms is not"},
    {FETCH("\"timeout_ms\":\"2000\""), FOV_EUSAGE, "fetch_options.timeout_ms is not"},
    {FETCH("\"user_agent\":1"), FOV_EUSAGE, "fetch_options.user_agent is not a text"},
    {FETCH("\"user_agent\":\"a\\r\\nb\""), FOV_EUSAGE, "user_agent holds control characters"},
    {FETCH("\"headers\":[]"), FOV_EUSAGE, "fetch_options.headers is not an object"},
    {FETCH("\"headers\":{\"A\":1}"), FOV_EUSAGE, "headers: the value of A is not a text"},
    {FETCH("\"headers\":{\"A\":\"b\\n\"}"), FOV_EUSAGE, "the value of A holds control characters"},
    {FETCH("\"headers\":{\"\":\"b\"}"), FOV_EUSAGE, "headers holds a name that is none"},
    {FETCH("\"headers\":{\"A:\":\"b\"}"), FOV_EUSAGE, "headers holds a name that is none"},
    {FETCH("\"headers\":{\"A b\":\"b\"}"), FOV_EUSAGE, "headers holds a name that is none"},
    {FETCH("\"headers\":{\"\xc3\xa4\":\"b\"}"), FOV_EUSAGE, "headers holds a name that is none"},
    {FETCH("\"locale\":1"), FOV_EUSAGE, "fetch_options.locale is not a text"},
    {FETCH("\"should_render_javascript\":1"), FOV_EUSAGE, "should_render_javascript is neither"},
    {FETCH("\"auth\":\"me\""), FOV_EUSAGE, "fetch_options.auth is not an object"},
    {AUTH(""), FOV_EUSAGE, "fetch_options.auth.type must be basic or bearer"},
    {AUTH("\"type\":\"digest\",\"username\":\"a\",\"password\":\"b\""), FOV_EUSAGE,
     "must be basic"},
    {AUTH("\"username\":\"a\",\"password\":\"b\",\"token\":\"c\""), FOV_EUSAGE, "must be basic"},
    {AUTH("\"username\":\"a\""), FOV_EUSAGE, "fetch_options.auth.password is missing"},
    {AUTH("\"type\":\"basic\",\"token\":\"a\""), FOV_EUSAGE, "auth.username is missing"},
    {AUTH("\"username\":\"a:\",\"password\":\"b\""), FOV_EUSAGE, "auth.username holds a colon"},
    {AUTH("\"username\":\"a\",\"password\":\"b\\n\""), FOV_EUSAGE, "holds control characters"},
    {AUTH("\"username\":1,\"password\":\"b\""), FOV_EUSAGE, "auth.username is not a text"},
    {AUTH("\"type\":\"bearer\""), FOV_EUSAGE, "auth.token is missing"},
    {AUTH("\"token\":\"\""), FOV_EUSAGE, "auth.token is missing"},
    {AUTH("\"token\":\"a\\r\\nb: c\""), FOV_EUSAGE, "auth.token holds control characters"},
    {FETCH("\"headers\":{\"authorization\":\"x\"},\"auth\":{\"token\":\"a\"}"), FOV_EUSAGE,
     "exclude each other"},
};

static void what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(refusals); i++)
        if (parse(refusals[i].text) != refusals[i].code || !strstr(why.text, refusals[i].says))
            fail_msg("%s: %d, \"%s\"", refusals[i].text, (int)why.code, why.text);
}

static void a_cut_body_is_none(void **state)
{
    static const char text[] =
        "{\"file\":{\"name\":\"a\\u0062.png\",\"type\":\"base64\",\"base64\":\"aGVs\\/G8=\","
        "\"fetch_options\":{\"headers\":{\"A\":\"b\"}}},\"operations\":[{\"type\":\"flip\",\"x\":"
        "[1.5e3,true,null]}],\"webhook_url\":\"https://a/\",\"dry_run\":true}";
    (void)state;
    must_parse(text);
    for (size_t n = 0; n < sizeof(text) - 1; n++)
        assert_int_equal(parse_n(text, n), FOV_EUSAGE);
}

static void depth(void **state)
{
    enum { DEEP = 10000 };
    static char text[2 * DEEP + 200];
    (void)state;
    for (int n = 1; n <= DEEP; n = n == 70 ? DEEP : n + 1) {
        int used = sprintf(text, "{\"file\":{\"base64\":\"aA==\"},\"operations\":");
        memset(text + used, '[', (size_t)n);
        memset(text + used + n, ']', (size_t)n);
        (void)strcpy(text + used + 2 * n, "}");
        const enum fov_code rc = parse(text);
        assert_int_equal(rc, n < 64 ? FOV_OK : FOV_EUSAGE); /* the body is the first level */
        if (rc)
            assert_string_equal(why.text, "the body is nested deeper than 64 levels");
    }
}

static void limits(void **state)
{
    static char text[FOV_REQUEST_MAX_REST_BYTES + 2000];
    (void)state;
    options.max_file_bytes = 5;
    must_parse(BASE64("aGVsbG8="));
    options.max_file_bytes = 4;
    assert_int_equal(parse(BASE64("aGVsbG8=")), FOV_ELIMIT);
    assert_string_equal(why.text, "file.base64: the file has 5 bytes, over the limit of 4");

    options.max_file_bytes = 4000;
    const size_t most = FOV_REQUEST_MAX_REST_BYTES + strlen("aGVsbG8=");
    static const char begins[] = "{\"file\":{\"base64\":\"aGVsbG8=\"},\"operations\":[],\"x\":\"";
    memset(text, 'x', sizeof(text));
    memcpy(text, begins, sizeof(begins) - 1);
    memcpy(text + most - 2, "\"}", 2);
    assert_int_equal(parse_n(text, most), FOV_OK);
    memcpy(text + most - 2, "x\"}", 3);
    assert_int_equal(parse_n(text, most + 1), FOV_ELIMIT);
    assert_string_equal(why.text,
                        "the body has 1048577 bytes beside file.base64, over the limit of 1048576");
    (void)sprintf(text, FILE_("\"name\":\"%0255d\",\"base64\":\"aA==\""), 0);
    must_parse(text);
    (void)sprintf(text, FILE_("\"name\":\"%0256d\",\"base64\":\"aA==\""), 0);
    assert_int_equal(parse(text), FOV_EUSAGE);
    assert_string_equal(why.text, "file.name has 256 bytes, over the limit of 255");
}

/* ---- what is taken ------------------------------------------------------------------------- */

static void a_body(void **state)
{
    (void)state;
    must_parse(
        " { \"x\" : [ { \"base64\" : \"?\" } ] , \"file\" : { \"y\" : { \"base64\" : \"!\" } ,"
        "\"name\" : \"a.png\" , \"base64\" : \"aGVsbG8=\" } ,\r\n\t\"dry_run\" : true ,"
        "\"operations\" : [ { \"base64\" : \"-\", \"file\" : { \"base64\" : \"?\" } } ] ,"
        "\"webhook_url\" : \"https://a/b\" } ");
    must_hold("hello", 5);
    assert_string_equal(request->name, "a.png");
    assert_string_equal(request->webhook_url, "https://a/b");
    assert_string_equal(request->operations, "[{\"base64\":\"-\",\"file\":{\"base64\":\"?\"}}]");
    assert_string_equal(request->json,
                        "{\"x\":[{\"base64\":\"?\"}],\"file\":{\"y\":{\"base64\":\"!\"},"
                        "\"name\":\"a.png\",\"base64\":\"\"},\"dry_run\":true,"
                        "\"operations\":[{\"base64\":\"-\",\"file\":{\"base64\":\"?\"}}],"
                        "\"webhook_url\":\"https://a/b\"}");
    assert_true(request->dry_run);
    must_parse(BODY("\"operations\":[],\"webhook_url\":null,\"dry_run\":null"));
    assert_true(!request->name && !request->webhook_url && !request->dry_run);
}

static void a_key_written_with_escapes(void **state)
{
    static const char *const texts[] = {
        FILE_("\"b\\u0061se64\":\"aGVsbG8=\""),
        "{\"operations\":[],\"\\u0066il\\u0065\":{\"\\u0062ase\\u0036\\u0034\":\"aGVsbG8=\"}}",
        "{\"operations\":[],\"f\\u0069le\":{\"base6\\u0034\":\"aGVsbG8\"}}"};
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(texts); i++) {
        must_parse(texts[i]);
        must_hold("hello", 5);
    }
    /* keys that are only nearly it, which leaves the file without one */
    assert_int_equal(parse(FILE_("\"b\\u0041se64\":\"aGVsbG8=\"")), FOV_EUSAGE);
    assert_int_equal(parse(FILE_("\"base64\\u0020\":\"aGVsbG8=\"")), FOV_EUSAGE);
    assert_int_equal(
        parse(FILE_("\"b\\u0061se64 and so on, longer than any that is looked for\":1")),
        FOV_EUSAGE);
    must_parse(
        "{\"operations\":[],\"file\":{\"\\u0062\\u0061\\u0073\\u0065\\u0036\\u0034\":\"aA==\"}}");
    must_hold("h", 1);
    must_parse(FILE_("\"base64\\\"\":\"x\",\"\\\\\":\"\\\"\",\"base64\":\"aGVsbG8=\""));
    must_hold("hello", 5);
}

static void type_decides(void **state)
{
    (void)state;
    must_parse(FILE_("\"type\":\"base64\",\"base64\":\"aGVsbG8=\",\"url\":\"https://a/\""));
    must_hold("hello", 5);
    must_parse(FILE_("\"type\":\"url\",\"base64\":\"aGVsbG8=\",\"url\":\"https://a/\""));
    assert_string_equal(request->url, "https://a/");
    must_parse(FILE_("\"type\":\"url\",\"base64\":[\"a\",\"b\"],\"url\":\"https://a/\""));
    assert_non_null(strstr(request->json, "\"base64\":[\"a\",\"b\"]")); /* left alone */
    must_parse(
        FILE_("\"type\":null,\"base64\":null,\"url\":\"HTTPS://a/\",\"fetch_options\":null"));
    assert_string_equal(request->url, "HTTPS://a/");
}

static void http_is_for_tests(void **state)
{
    (void)state;
    options.allow = "127.0.0.1:1";
    must_parse(
        "{\"operations\":[],\"file\":{\"url\":\"http://a/\"},\"webhook_url\":\"http://b/\"}");
    assert_string_equal(request->url, "http://a/");
    assert_string_equal(request->webhook_url, "http://b/");
    assert_int_equal(parse(FILE_("\"url\":\"ftp://a/\"")), FOV_EUSAGE);
}

static void how_to_fetch(void **state)
{
    (void)state;
    must_parse(FETCH(""));
    assert_true(!request->fetch.timeout_ms && !request->fetch.headers[0] && !request->fetch.user);
    must_parse(
        FETCH("\"timeout_ms\":1000,\"user_agent\":\"shop/1\",\"locale\":\"de\","
              "\"should_render_javascript\":true,\"other\":1,\"headers\":{\"X-One\":\"1\","
              "\"Cookie\":\"a=b\",\"HOST\":\"b\",\"transfer-encoding\":\"c\",\"X-Two\":\"\"},"
              "\"auth\":{\"username\":\"me\",\"password\":\"\"}"));
    assert_int_equal(request->fetch.timeout_ms, 1000);
    assert_string_equal(request->fetch.user_agent, "shop/1");
    assert_string_equal(request->fetch.headers[0], "X-One: 1");
    assert_string_equal(request->fetch.headers[1], "X-Two: ");
    assert_null(request->fetch.headers[2]);
    assert_string_equal(request->fetch.user, "me");
    assert_string_equal(request->fetch.password, "");
    must_parse(FETCH("\"timeout_ms\":6e4,\"auth\":{\"type\":\"bearer\",\"token\":\"abc\"}"));
    assert_int_equal(request->fetch.timeout_ms, 60000);
    assert_string_equal(request->fetch.headers[0], "Authorization: Bearer abc");
    assert_true(!request->fetch.headers[1] && !request->fetch.user);
}

/* As many headers as there may be, then one more: as a token, and as a header. */
static void many_headers(void **state)
{
    char text[2000], *at = text;
    (void)state;
    for (int i = 0; i < FOV_FETCH_MAX_HEADERS; i++)
        at += sprintf(at, "%s\"X-%d\":\"%d\"", i ? "," : "", i, i);
    char whole[3000];
    (void)sprintf(whole, FETCH("\"headers\":{%s}"), text);
    must_parse(whole);
    assert_string_equal(request->fetch.headers[31], "X-31: 31");
    (void)sprintf(whole, FETCH("\"headers\":{%s},\"auth\":{\"token\":\"a\"}"), text);
    assert_int_equal(parse(whole), FOV_EUSAGE);
    (void)sprintf(whole, FETCH("\"headers\":{%s,\"X-32\":\"1\"}"), text);
    assert_int_equal(parse(whole), FOV_EUSAGE);
    assert_non_null(strstr(why.text, "fetch_options.headers has 33, over the limit of 32"));
}

/* ---- base64 -------------------------------------------------------------------------------- */

static void any_bytes_come_back(void **state)
{
    unsigned char bytes[300];
    char base64[600], text[800];
    (void)state;
    srand(7);
    for (size_t n = 1; n <= sizeof(bytes); n++) {
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)rand();
        encode(bytes, n, base64);
        (void)sprintf(text, BASE64("%s"), base64);
        must_parse(text);
        must_hold(bytes, n);
        (void)sprintf(text, BASE64("data:image/svg+xml;charset=utf-8;BASE64,%s"), base64);
        must_parse(text);
        must_hold(bytes, n);
        base64[strcspn(base64, "=")] = '\0';
        (void)sprintf(text, BASE64("%s"), base64);
        must_parse(text);
        must_hold(bytes, n);
    }
}

static void any_escapes_mean_the_same(void **state)
{
    unsigned char bytes[99];
    char base64[200], text[2000];
    (void)state;
    srand(8);
    for (int run = 0; run < 300; run++) {
        const size_t n = 1 + (size_t)rand() % sizeof(bytes);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)(rand() % 4 ? 0xFF : rand()); /* many slashes */
        encode(bytes, n, base64);
        char *at = text + sprintf(text, "{\"file\":{\"name\":\"\\ud83d\\ude00\",\"base64\":\"");
        if (run % 3 == 0)
            at += sprintf(at, "dat\\u0061:image\\/png;base64,");
        for (const char *c = base64; *c; c++)
            if (rand() % 2)
                *at++ = *c;
            else if (*c == '/' && rand() % 2)
                at += sprintf(at, "\\/");
            else
                at += sprintf(at, rand() % 2 ? "\\u%04x" : "\\u%04X", (unsigned)*c);
        (void)sprintf(at, "\"},\"operations\":[]}");
        must_parse(text);
        must_hold(bytes, n);
        assert_string_equal(request->name, "\xf0\x9f\x98\x80");
    }
}

/* Each byte at each place of a text: one of the alphabet or refused at that place. */
static void no_other_character(void **state)
{
    enum { N = 11 };
    (void)state;
    for (size_t place = 0; place < N; place++)
        for (int c = 0; c < 256; c++) {
            char *const text = fov_calloc(N, 1);
            size_t n;
            assert_non_null(text);
            memset(text, 'A', N);
            text[place] = (char)c;
            const bool is_one = c && strchr("+/", c);
            const bool is_good =
                is_one || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z' && c < 128);
            assert_int_equal(fov_base64_decode(text, N, &n), is_good);
            assert_int_equal(n, is_good ? N * 6 / 8 : place);
            fov_free(text);
        }
}

/* ---- the store, forms ---------------------------------------------------------------------- */

static void a_stored_request_comes_back(void **state)
{
    static const char *const texts[] = {
        FILE_("\"name\":\"\xc3\xa4\\u0001\",\"base64\":\"aGVsbG8=\""),
        BODY("\"operations\":[{\"sigma\":0.3,\"n\":-0,\"r\":1E+5}],\"dry_run\":true"),
        FILE_("\"type\":\"base64\",\"base64\":\"aGVsbG8=\",\"url\":\"https://a/\""),
        FILE_("\"type\":\"url\",\"base64\":\"aGVsbG8=\",\"url\":\"https://a/\""),
        FETCH("\"headers\":{\"A\":\"b\"},\"auth\":{\"token\":\"a\"}")};
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(texts); i++) {
        must_parse(texts[i]);
        char json[500], operations[100];
        (void)snprintf(json, sizeof(json), "%s", request->json);
        (void)snprintf(operations, sizeof(operations), "%s", request->operations);
        const bool has_file = request->has_file, dry_run = request->dry_run;
        options.stored_file = (const unsigned char *)(has_file ? "hello" : NULL);
        options.stored_file_bytes = 5;
        must_parse(json);
        assert_string_equal(request->json, json);
        assert_string_equal(request->operations, operations);
        assert_true(request->has_file == has_file && request->dry_run == dry_run);
        if (has_file)
            must_hold("hello", 5);
        options.stored_file = NULL;
        assert_int_equal(parse(json), has_file ? FOV_EUSAGE : FOV_OK);
    }
    options.stored_file = (const unsigned char *)"hello";
    assert_int_equal(parse(FILE_("\"url\":\"https://a/\"")), FOV_EUSAGE);
    assert_int_equal(parse(BASE64("aGVsbG8=")), FOV_EUSAGE);
    options.max_file_bytes = 4;
    assert_int_equal(parse(BASE64("")), FOV_ELIMIT);
}

static enum fov_code from(struct fov_request_parts parts, const char *operations)
{
    (void)clear(NULL);
    parts.operations = operations;
    parts.n_operations = operations ? strlen(operations) : 0;
    why = (struct fov_err){0};
    const enum fov_code rc = fov_request_from_parts(&parts, &options, &request, &why);
    assert_int_equal(why.code, rc);
    assert_true(!rc == !why.text[0] && !rc == !!request);
    return rc;
}

static void parts_of_a_form(void **state)
{
    struct fov_request_parts parts = {.file = (const unsigned char *)"hello", .file_bytes = 5};
    char json[300];
    (void)state;
    assert_int_equal(from(parts, "[]"), FOV_OK);
    must_hold("hello", 5);
    assert_true(request->has_file && !request->name && !request->webhook_url && !request->dry_run);
    assert_int_equal(from(parts, NULL), FOV_EUSAGE);
    assert_string_equal(why.text, "operations is missing");
    assert_int_equal(from(parts, ""), FOV_EUSAGE);
    assert_non_null(strstr(why.text, "operations is not JSON: line 1"));
    assert_int_equal(from(parts, "{\"file\":{\"base64\":\"aA==\"}}"), FOV_EUSAGE);
    assert_string_equal(why.text, "operations is not an array");
    parts.name = "\xff";
    assert_int_equal(from(parts, "[]"), FOV_EUSAGE);
    assert_string_equal(why.text, "file.name or webhook_url is not UTF-8");
    parts.name = "a.png";
    parts.webhook_url = "http://a/";
    assert_int_equal(from(parts, "[]"), FOV_EUSAGE);
    parts.webhook_url = "https://a/";
    parts.dry_run = true;
    assert_int_equal(from(parts, " [ { \"type\" : \"flip\" } ] "), FOV_OK);
    assert_string_equal(request->operations, "[{\"type\":\"flip\"}]");
    assert_string_equal(request->name, "a.png");
    assert_string_equal(request->webhook_url, "https://a/");
    (void)snprintf(json, sizeof(json), "%s", request->json);
    options.stored_file = parts.file;
    options.stored_file_bytes = parts.file_bytes;
    must_parse(json);
    must_hold("hello", 5);
    assert_string_equal(request->json, json);
    assert_true(request->dry_run);
    parts.file_bytes = 0;
    assert_int_equal(from(parts, "[]"), FOV_EUSAGE);
    assert_string_equal(why.text, "file is empty");
    options.max_file_bytes = parts.file_bytes = 4;
    assert_int_equal(from(parts, "[]"), FOV_OK);
    parts.file_bytes = 5;
    assert_int_equal(from(parts, "[]"), FOV_ELIMIT);
    parts.file = NULL;
    assert_int_equal(from(parts, "[]"), FOV_EUSAGE);
    assert_string_equal(why.text, "file is missing");
}

/* Every allocation of ours fails once. */
static void memory_runs_out(void **state)
{
    static const char text[] =
        "{\"operations\":[],\"webhook_url\":\"https://b/"
        "\",\"file\":{\"name\":\"a\",\"url\":\"https:"
        "//a/\",\"fetch_options\":{\"user_agent\":\"x\",\"headers\":{\"A\":\"b\",\"C\":\"d\"},"
        "\"auth\":{\"username\":\"me\",\"password\":\"secret\"}}}}";
    char room[sizeof(text)];
    struct fov_request *r = NULL;
    int n = 0;
    (void)state;
    for (;; n++) {
        struct fov_err err = {0};
        memcpy(room, text, sizeof(text));
        fov_mem_fail_after(n);
        const enum fov_code rc = fov_request_parse(room, sizeof(text) - 1, &options, &r, &err);
        fov_mem_fail_after(-1);
        if (!rc)
            break;
        assert_int_equal(rc, FOV_ENOMEM);
        assert_true(err.code == rc && err.text[0] && !r);
    }
    assert_true(n > 10);
    fov_request_free(r);
}

/* ---- --bench ------------------------------------------------------------------------------- */

static int bench(void)
{
    const size_t n_base64 = 59 << 20, room = n_base64 + 1000;
    static const char ends[] = "\"}}";
    char *const text = fov_calloc(room, 1);
    double least_s = 1e9;
    if (!text)
        return 1;
    options.max_file_bytes = room;
    for (int run = 0; run < 9; run++) {
        struct fov_request *r;
        struct fov_err err = {0};
        const size_t at = (size_t)sprintf(text, "{\"operations\":[],\"file\":{\"base64\":\"");
        for (size_t i = 0; i < n_base64; i++)
            text[at + i] = (char)("+/09AZaz"[i * 2654435761U >> 7 & 7]);
        memcpy(text + at + n_base64, ends, sizeof(ends));
        const double begin_s = fov_clock_s();
        if (fov_request_parse(text, at + n_base64 + sizeof(ends) - 1, &options, &r, &err)) {
            (void)fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        const double took_s = fov_clock_s() - begin_s;
        least_s = took_s < least_s ? took_s : least_s;
        fov_request_free(r);
    }
    printf("a body of %zu MB: %.1f ms, %.0f MB/s\n", n_base64 / 1000000, least_s * 1e3,
           (double)n_base64 / least_s / 1e6);
    fov_free(text);
    return 0;
}

#define each(test) cmocka_unit_test_setup_teardown(test, fresh, clear)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        each(what_is_refused),
        each(a_cut_body_is_none),
        each(depth),
        each(limits),
        each(a_body),
        each(a_key_written_with_escapes),
        each(type_decides),
        each(http_is_for_tests),
        each(how_to_fetch),
        each(many_headers),
        each(any_bytes_come_back),
        each(any_escapes_mean_the_same),
        each(no_other_character),
        each(a_stored_request_comes_back),
        each(parts_of_a_form),
        each(memory_runs_out),
    };
    if (argc == 2 && !strcmp(argv[1], "--bench"))
        return bench();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
