/* SPDX-License-Identifier: Apache-2.0 */
/* webhooks.c -- deliver how jobs ended.
 *
 * At least once, with the same id each time, signed as Standard Webhooks describes: HMAC-SHA256 of
 * "id.timestamp.body". What is not taken is tried again after growing delays, for a day; each is
 * varied by a fifth, so that a receiver that comes back is not met by all at once. Then it is dead:
 * listed, and delivered again when somebody asks.
 *
 * Receivers may be slow, and hold up none but their own project's webhooks: few senders are at work
 * for one at a time, fewer at one of its hosts, and some stay free for who has none.
 *
 * Threads: eight of its own. Owns: nothing between deliveries. Trust: the receiver is a stranger's;
 * fetch.c judges where it is.
 */
#define _GNU_SOURCE
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/fetch.h"
#include "server/record.h"
#include "server/server.h"

enum { N_SENDERS = 8, MAX_OF_PROJECT = 4, MAX_AT_HOST = 2, LEAST_FREE = 2 };
enum { LEASE_S = 90, TIMEOUT_MS = 30000, TICK_S = 1, SIGNATURE = 120, MAX_HOST = 280 };

/* Seconds before each further attempt; a day in all. */
static const int delays_s[] = {5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800};

/* A thread, and what it delivers: `host` is the URL's beginning, "" for nothing. */
struct sender {
    struct fov_webhooks *all;
    pthread_t thread;
    int64_t project_id;
    char host[MAX_HOST];
};

struct fov_webhooks {
    struct fov_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n_wakes;
    atomic_int is_closing;
    int n_senders;
    struct sender senders[N_SENDERS];
};

/* ---- what is sent ------------------------------------------------------------------------ */

static const char done_begins[] = "{\"success\":true,\"api\":\"image_transformation\",\"data\":{"
                                  "\"buffer\":\"";

/* Gives *ret_text (fov_free()). */
static enum fov_code write_done(const struct fov_job *job, const unsigned char *bytes, size_t n,
                                char **ret_text, struct fov_err *err)
{
    const size_t room = sizeof(done_begins) + (n + 2) / 3 * 4 + 200;
    char *const text = fov_calloc(room, 1);
    if (!text)
        return fov_fail(err, FOV_ENOMEM, "no memory for a webhook");
    memcpy(text, done_begins, sizeof(done_begins));
    size_t used = sizeof(done_begins) - 1;
    fov_base64_encode(bytes, n, text + used);
    used += (n + 2) / 3 * 4;
    (void)snprintf(text + used, room - used, "\",\"mime_type\":\"%s\"},\"job_id\":\"%s\"}",
                   job->mime_type, job->id);
    *ret_text = text;
    return FOV_OK;
}

static enum fov_code write_body(struct fov_store *store, const struct fov_webhook *w,
                                char **ret_text, struct fov_err *err)
{
    struct fov_job job;
    unsigned char *bytes = NULL;
    size_t n = 0;
    enum fov_code rc = fov_store_job_get(store, FOV_ANY_KEY, w->job_id, &job, err);
    if (rc)
        return rc;
    if (job.state == FOV_JOB_DONE) {
        if (!(rc = fov_store_job_result(store, w->job_id, &bytes, &n, err)))
            rc = write_done(&job, bytes, n, ret_text, err);
        fov_free(bytes);
        return rc;
    }
    json_t *const value =
        json_pack("{s:b, s:s, s:{s:s}, s:s}", "success", 0, "api", "image_transformation", "error",
                  "message", job.error, "job_id", job.id);
    *ret_text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    return *ret_text ? FOV_OK : fov_fail(err, FOV_ENOMEM, "no memory for a webhook");
}

/* "v1," and the base64 of the signature. */
static enum fov_code sign(struct fov_store *store, const char *id, int64_t at_s, const char *body,
                          char signature[SIGNATURE], struct fov_err *err)
{
    unsigned char key[64], mac[EVP_MAX_MD_SIZE];
    char secret[64], head[80];
    size_t n_mac = 0;
    enum fov_code rc = fov_store_secret(store, secret, err);
    if (rc)
        return rc;
    const char *const text = strchr(secret, '_') + 1;
    const size_t n_text = strlen(text);
    const int n_key = EVP_DecodeBlock(key, (const unsigned char *)text, (int)n_text) -
                      (n_text && text[n_text - 1] == '=') - (n_text > 1 && text[n_text - 2] == '=');
    const int n_head = snprintf(head, sizeof(head), "%s.%lld.", id, (long long)at_s);
    EVP_PKEY *const pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, key, (size_t)n_key);
    EVP_MD_CTX *const md = EVP_MD_CTX_new();
    n_mac = sizeof(mac);
    const bool good = pkey && md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pkey) == 1 &&
                      EVP_DigestSignUpdate(md, head, (size_t)n_head) == 1 &&
                      EVP_DigestSignUpdate(md, body, strlen(body)) == 1 &&
                      EVP_DigestSignFinal(md, mac, &n_mac) == 1;
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(pkey);
    if (!good)
        return fov_fail(err, FOV_EINTERNAL, "a webhook cannot be signed");
    char text_of_mac[4 * EVP_MAX_MD_SIZE / 3 + 5];
    fov_base64_encode(mac, n_mac, text_of_mac);
    (void)snprintf(signature, SIGNATURE, "v1,%s", text_of_mac);
    return FOV_OK;
}

/* fov_fetch_options' stopped() */
static int stopped(void *user)
{
    return ((struct fov_webhooks *)user)->is_closing;
}

static enum fov_code deliver(struct fov_webhooks *h, const struct fov_webhook *w,
                             struct fov_err *err)
{
    FOV_AUTO(fov_free_at) char *body = NULL;
    struct fov_settings settings;
    char signature[SIGNATURE] = "", id[80], stamp[60], signed_as[SIGNATURE + 40];
    const int64_t now = time(NULL);
    enum fov_code rc;
    if ((rc = write_body(h->server->store, w, &body, err)) ||
        (rc = sign(h->server->store, w->id, now, body, signature, err)))
        return rc;
    fov__settings(h->server, &settings);
    (void)snprintf(id, sizeof(id), "webhook-id: %s", w->id);
    (void)snprintf(stamp, sizeof(stamp), "webhook-timestamp: %lld", (long long)now);
    (void)snprintf(signed_as, sizeof(signed_as), "webhook-signature: %s", signature);
    const struct fov_fetch_options options = {
        .what = "webhook_url",
        .timeout_ms = TIMEOUT_MS,
        .user_agent = "Fovea",
        .headers = {"Content-Type: application/json", id, stamp, signed_as},
        .allow = settings.allow[0] ? settings.allow : NULL,
        .body = body,
        .body_bytes = strlen(body),
        .stopped = stopped,
        .user_data = h};
    return fov_post(w->url, &options, err);
}

/* ---- when -------------------------------------------------------------------------------- */

/* When to try again after `n` attempts, or 0. */
static int64_t next_time(int n)
{
    unsigned char chance = 128;
    if (n < 1 || n > (int)FOV_N_ELEMENTS(delays_s))
        return 0;
    (void)RAND_bytes(&chance, 1);
    const double vary = 0.8 + 0.4 * chance / 255;
    return time(NULL) + (int64_t)(delays_s[n - 1] * vary + 0.5);
}

/* fov_webhook_may_fn: the sender's it is, unless others are busy enough with its like. */
static bool may_take(void *user, int64_t project_id, const char *url)
{
    struct sender *const me = user;
    struct fov_webhooks *const h = me->all;
    const char *const name = strstr(url, "://");
    const size_t n = name ? (size_t)(name + 3 - url) + strcspn(name + 3, "/?#") : strlen(url);
    int at_host = 0, of_project = 0, n_free = -1; /* beside this one */
    char host[MAX_HOST];
    (void)snprintf(host, sizeof(host), "%.*s", (int)(n < MAX_HOST ? n : MAX_HOST - 1), url);
    pthread_mutex_lock(&h->lock);
    for (const struct sender *other = h->senders; other < h->senders + N_SENDERS; other++) {
        n_free += !other->host[0];
        if (other == me || !other->host[0] || other->project_id != project_id)
            continue;
        at_host += !strcasecmp(other->host, host);
        of_project++;
    }
    const bool may = at_host < MAX_AT_HOST && of_project < MAX_OF_PROJECT &&
                     (!of_project || n_free >= LEAST_FREE);
    if (may) {
        memcpy(me->host, host, sizeof(host));
        me->project_id = project_id;
    }
    pthread_mutex_unlock(&h->lock);
    return may;
}

static void is_free(struct sender *me)
{
    pthread_mutex_lock(&me->all->lock);
    me->host[0] = '\0';
    pthread_mutex_unlock(&me->all->lock);
}

/* Deliver one that is due; false when there is none for this sender. */
static bool deliver_one(struct sender *me)
{
    struct fov_webhooks *const h = me->all;
    struct fov_server *const s = h->server;
    struct fov_webhook w;
    struct fov_err err = {0}, why = {0};
    bool found = false;
    if (fov_store_webhook_claim(s->store, time(NULL), LEASE_S, may_take, me, &w, &found, &err)) {
        fov_record("error", "store", json_pack("{s:s}", "error", err.text));
        return false;
    }
    if (!found)
        return false;
    const enum fov_code rc = deliver(h, &w, &why);
    if (rc == FOV_ECANCEL && h->is_closing)
        return false; /* its lease runs out */
    const int64_t next = rc ? next_time(w.n_attempts) : 0;
    if (fov_store_webhook_done(s->store, w.id, rc ? why.text : NULL, next, &err))
        fov_record("error", "store", json_pack("{s:s}", "error", err.text));
    if (rc)
        s->metrics.webhooks_failed++;
    else
        s->metrics.webhooks_delivered++;
    fov_record(rc ? "warning" : "info", "webhook",
               json_pack("{s:s, s:s, s:i, s:s, s:b}", "webhook_id", w.id, "job_id", w.job_id,
                         "attempt", w.n_attempts, "outcome", rc ? why.text : "delivered", "dead",
                         rc && !next));
    return true;
}

static void *sending(void *user)
{
    struct sender *const me = user;
    struct fov_webhooks *const h = me->all;
    unsigned seen = 0;
    while (!h->is_closing) {
        bool more = true;
        while (more && !h->is_closing) {
            more = deliver_one(me);
            is_free(me);
        }
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += TICK_S;
        pthread_mutex_lock(&h->lock);
        if (seen == h->n_wakes)
            pthread_cond_timedwait(&h->changed, &h->lock, &until);
        seen = h->n_wakes;
        pthread_mutex_unlock(&h->lock);
    }
    return NULL;
}

void fov__webhooks_wake(struct fov_webhooks *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->n_wakes++;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

enum fov_code fov__webhooks_open(struct fov_server *server, struct fov_err *err)
{
    struct fov_webhooks *const h = fov_calloc(1, sizeof(*h));
    if (!h)
        return fov_fail(err, FOV_ENOMEM, "no memory for webhooks");
    h->server = server;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->changed, NULL);
    server->webhooks = h;
    for (; h->n_senders < N_SENDERS; h->n_senders++) {
        struct sender *const sender = &h->senders[h->n_senders];
        sender->all = h;
        if (pthread_create(&sender->thread, NULL, sending, sender))
            return fov_fail(err, FOV_ENOMEM, "the system starts no more threads");
    }
    return FOV_OK;
}

void fov__webhooks_stop(struct fov_webhooks *h)
{
    if (!h)
        return;
    h->is_closing = 1;
    fov__webhooks_wake(h);
    for (; h->n_senders > 0; h->n_senders--)
        pthread_join(h->senders[h->n_senders - 1].thread, NULL);
}

void fov__webhooks_close(struct fov_webhooks *h)
{
    if (!h)
        return;
    fov__webhooks_stop(h);
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->lock);
    fov_free(h);
}
