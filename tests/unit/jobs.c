/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.c -- short words for tests of the store's jobs. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/jobs.h"

static char folder[] = "/tmp/test_store_jobs-XXXXXX";
char path[64];
struct fov_store *store;
int64_t web, web_too, archive;

static int64_t key_of(const char *project)
{
    char text[FOV_KEY_CHARS + 1];
    struct fov_key key;
    assert_int_equal(fov_store_key_create(store, "a key", project, text, &key, NULL), FOV_OK);
    return key.id;
}

int jobs_fresh(void **state)
{
    static int n;
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/%d.db", folder, n++);
    if (fov_store_open(path, &store, NULL) || fov_store_grant(store, false, MANY, NULL))
        return -1;
    web = key_of("web");
    web_too = key_of("web");
    archive = key_of("archive");
    return 0;
}

void audit(void)
{
    struct fov_err err = {0};
    if (fov_store_audit(store, &err))
        fail_msg("%s", err.text);
}

int jobs_ended(void **state)
{
    (void)state;
    fov_store_close(FOV_STEAL(store));
    return 0;
}

int64_t sql(const char *text)
{
    int64_t number = -1;
    struct fov_err err = {0};
    if (fov__db_run(store, &number, &err, text, ""))
        fail_msg("%s", err.text);
    return number;
}

void credits_are(int64_t held, int64_t captured)
{
    struct fov_credits c;
    assert_int_equal(fov_store_credits(store, &c, NULL), FOV_OK);
    assert_int_equal(c.held, held);
    assert_int_equal(c.captured, captured);
    assert_int_equal(c.paid, MANY - held - captured);
    audit();
}

struct fov_job_new new_job(int64_t key)
{
    return (struct fov_job_new){.key_id = key,
                                .request = "{\"operations\":[]}",
                                .input = (const unsigned char *)"in\0put",
                                .input_bytes = 6,
                                .max_queued = 1000};
}

struct fov_job add(const struct fov_job_new *new)
{
    struct fov_job job;
    struct fov_err err = {0};
    bool repeated = true;
    if (fov_store_job_add(store, new, &job, &repeated, &err))
        fail_msg("%s", err.text);
    assert_false(repeated);
    return job;
}

struct fov_job add_for(int64_t key, bool webhook)
{
    struct fov_job_new new = new_job(key);
    new.webhook_url = webhook ? "https://example.org/done" : NULL;
    return add(&new);
}

bool claim(int lease_s, struct fov_job *job)
{
    FOV_AUTO(fov_free_at) char *request = NULL;
    FOV_AUTO(fov_free_at) unsigned char *input = NULL;
    size_t n;
    bool found = false;
    struct fov_err err = {0};
    if (fov_store_job_claim(store, lease_s, job, &request, &input, &n, &found, &err))
        fail_msg("%s", err.text);
    return found;
}

const struct fov_job_result good = {.bytes = (const unsigned char *)"a\0picture",
                                    .n_bytes = 9,
                                    .mime_type = "image/png",
                                    .width_px = 640,
                                    .height_px = 480};
const struct fov_job_result bad = {.error = "photo.jpg: is damaged", .status = 422};

void finish(const struct fov_job *job, const struct fov_job_result *result)
{
    assert_int_equal(fov_store_job_finish(store, job->id, job->n_attempts, result, NULL), FOV_OK);
}

struct fov_job get(const char *id)
{
    struct fov_job job;
    assert_int_equal(fov_store_job_get(store, FOV_ANY_KEY, id, &job, NULL), FOV_OK);
    return job;
}

bool is_gone(const char *id)
{
    struct fov_job job;
    return fov_store_job_get(store, FOV_ANY_KEY, id, &job, NULL) == FOV_ENOINPUT;
}

struct fov_job add_ended(const struct fov_job_result *result, bool webhook)
{
    struct fov_job job = add_for(web, webhook);
    assert_true(claim(LEASE_S, &job));
    finish(&job, result);
    return get(job.id);
}

bool next_webhook(int64_t now_s, struct fov_webhook *webhook)
{
    bool found = false;
    assert_int_equal(
        fov_store_webhook_claim(store, now_s, LEASE_S, NULL, NULL, webhook, &found, NULL), FOV_OK);
    return found;
}

int64_t next_due(void)
{
    int64_t at_s = 0;
    assert_int_equal(fov_store_webhook_next(store, &at_s, NULL), FOV_OK);
    return at_s;
}

void webhook_done(const struct fov_webhook *w, const char *error, int64_t next_at_s)
{
    assert_int_equal(fov_store_webhook_done(store, w->id, error, next_at_s, NULL), FOV_OK);
}

static void see(void *user, const struct fov_webhook *webhook)
{
    struct seen *const seen = user;
    seen->n++;
    seen->last = *webhook;
}

struct seen see_each(int64_t project, enum fov_webhook_state state)
{
    struct seen seen = {0};
    assert_int_equal(fov_store_webhook_each(store, project, state, see, &seen, NULL), FOV_OK);
    return seen;
}

int jobs_make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

int jobs_remove_folder(void **state)
{
    char command[80];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}
