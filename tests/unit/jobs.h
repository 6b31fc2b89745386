/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.h -- short words for tests of the store's jobs: a call that fails ends the test.
 *
 * Each test has a store of its own, with MANY credits, and three keys.
 */
#ifndef FOV_TESTS_UNIT_JOBS_H
#define FOV_TESTS_UNIT_JOBS_H

#include "unit/cmocka_all.h"

#include "store/jobs.h"
#include "store/sqlite.h"

enum { LEASE_S = 60, MANY = 1000000 };

extern char path[64]; /* of the store */
extern struct fov_store *store;
extern int64_t web, web_too, archive; /* keys, two of them of one project */
extern const struct fov_job_result good, bad;

/* For cmocka: a folder for all, a store for each. */
int jobs_make_folder(void **state);
int jobs_remove_folder(void **state);
int jobs_fresh(void **state);
int jobs_ended(void **state);

void audit(void);

/* What is outside of the calls: a number, or a change that nothing of ours would make. */
int64_t sql(const char *text);

/* What is held and captured, and that no credit is lost; with an audit. */
void credits_are(int64_t held, int64_t captured);

/* A request with a small file; added as it is, or for a key and perhaps with a webhook. */
struct fov_job_new new_job(int64_t key);
struct fov_job add(const struct fov_job_new *new);
struct fov_job add_for(int64_t key, bool webhook);

/* Is there a job to claim? */
bool claim(int lease_s, struct fov_job *job);
void finish(const struct fov_job *job, const struct fov_job_result *result);

/* A job that was added, claimed and ended; with others queued, the first of them is. */
struct fov_job add_ended(const struct fov_job_result *result, bool webhook);
struct fov_job get(const char *id);
bool is_gone(const char *id);

/* Is there a webhook to claim? When is the next one due? */
bool next_webhook(int64_t now_s, struct fov_webhook *webhook);
int64_t next_due(void);
void webhook_done(const struct fov_webhook *w, const char *error, int64_t next_at_s);

struct seen {
    int n;
    struct fov_webhook last;
};

/* How many webhooks are in a state, and the last of them. */
struct seen see_each(int64_t project, enum fov_webhook_state state);

#endif
