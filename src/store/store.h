/* SPDX-License-Identifier: Apache-2.0 */
/* store.h -- keys and credits: what the service must not forget. Jobs are in store/jobs.h.
 *
 * One store belongs to one organisation: its keys share one pool of credits, of which those given
 * for trial are spent first, and a project may have a budget. A request *holds* a credit before it
 * is worked on; the hold is *captured* when that succeeds and *released* when it fails. Each of
 * these is a line in a ledger that only grows, written in one transaction with the balance.
 */
#ifndef FOV_STORE_STORE_H
#define FOV_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
    FOV_KEY_CHARS = 36,    /* of a key: "fov_" and 32 letters and digits, 190 bits by chance */
    FOV_PREFIX_CHARS = 12, /* of it that may be shown */
    FOV_NAME_CHARS = 64,   /* of a key's or project's name at most */
    FOV_SECRET_ROOM = 64,  /* for the signing secret, with its end */
};

struct fov_store;

/* Open the store in the file `path`, which is made, readable by its owner alone, when there is
 * none, and brought to this version when it is of an earlier one. Several processes may have it
 * open. Gives *ret_store; end it with fov_store_close(). FOV_ECONFIG when it is no store, or of a
 * newer version; FOV_EOUTPUT, FOV_ENOMEM. Every other call can fail with FOV_EOUTPUT (the disk, or
 * another process that kept the store for three seconds), FOV_EINTERNAL and FOV_ENOMEM; nothing is
 * half done then. */
FOV_CHECKED enum fov_code fov_store_open(const char *path, struct fov_store **ret_store,
                                         struct fov_err *err);
void fov_store_close(struct fov_store *store);

/* The secret that signs webhooks: "whsec_" and 32 bytes by chance in base64, as Standard Webhooks
 * has it. Made once, with the store. */
FOV_CHECKED enum fov_code fov_store_secret(struct fov_store *store, char text[FOV_SECRET_ROOM],
                                           struct fov_err *err);

/* ---- keys ------------------------------------------------------------------------------ */

struct fov_key {
    int64_t id, project_id;
    char prefix[FOV_PREFIX_CHARS + 1];
    char name[FOV_NAME_CHARS + 1], project[FOV_NAME_CHARS + 1];
    int64_t created_s, revoked_s; /* Unix time; 0: not revoked */
    int64_t n_used;               /* credits captured or held by its requests */
};

/* Make a key called `name` in `project` (made when there is none). Its text goes to `text` and can
 * never be had again: the store keeps a hash. FOV_EUSAGE for names that are empty or too long. */
FOV_CHECKED enum fov_code fov_store_key_create(struct fov_store *store, const char *name,
                                               const char *project, char text[FOV_KEY_CHARS + 1],
                                               struct fov_key *ret_key, struct fov_err *err);

/* The key whose text this is; a time that does not tell how much of it was right. FOV_EPERM:
 * "Invalid API key", also for one that was revoked. */
FOV_CHECKED enum fov_code fov_store_key_find(struct fov_store *store, const char *text,
                                             struct fov_key *ret_key, struct fov_err *err);

/* Call `fn` for each key, oldest first. */
typedef void fov_key_fn(void *user, const struct fov_key *key);
FOV_CHECKED enum fov_code fov_store_key_each(struct fov_store *store, fov_key_fn *fn, void *user,
                                             struct fov_err *err);

/* Let the key that begins with `prefix` be good for nothing from now on. FOV_ENOINPUT when there is
 * none, FOV_EUSAGE when several begin like that. */
FOV_CHECKED enum fov_code fov_store_key_revoke(struct fov_store *store, const char *prefix,
                                               struct fov_err *err);

/* ---- credits --------------------------------------------------------------------------- */

enum { FOV_NO_BUDGET = -1 };

/* What all of a project's requests may hold or capture, or FOV_NO_BUDGET. The project is made when
 * there is none. FOV_EUSAGE for a number below that. */
FOV_CHECKED enum fov_code fov_store_budget(struct fov_store *store, const char *project,
                                           int64_t budget, struct fov_err *err);

struct fov_credits {
    int64_t trial, paid;    /* that can be held */
    int64_t held, captured; /* now, and ever */
};

/* Add `n` credits, 1 to 1,000,000,000, for trial or paid. FOV_EUSAGE. */
FOV_CHECKED enum fov_code fov_store_grant(struct fov_store *store, bool trial, int64_t n,
                                          struct fov_err *err);

FOV_CHECKED enum fov_code fov_store_credits(struct fov_store *store, struct fov_credits *ret,
                                            struct fov_err *err);

/* Hold a credit for a request with the key `key_id`. Gives *ret_hold for one of the next two, of
 * which the second does nothing. FOV_ECREDIT: "Insufficient credits" or "Budget cap exceeded". */
FOV_CHECKED enum fov_code fov_store_hold(struct fov_store *store, int64_t key_id, int64_t *ret_hold,
                                         struct fov_err *err);
FOV_CHECKED enum fov_code fov_store_capture(struct fov_store *store, int64_t hold,
                                            struct fov_err *err);
FOV_CHECKED enum fov_code fov_store_release(struct fov_store *store, int64_t hold,
                                            struct fov_err *err);

/* Release the holds made before `before_s`, Unix time, that belong to no job which is queued or
 * running: those of synchronous requests that a crash has ended. Gives how many there were. */
FOV_CHECKED enum fov_code fov_store_release_old(struct fov_store *store, int64_t before_s,
                                                int *ret_n, struct fov_err *err);

/* Do the balances agree with the ledger, and has each job that is queued or running one open hold
 * and each that has ended none? FOV_EINTERNAL with the first that does not. */
FOV_CHECKED enum fov_code fov_store_audit(struct fov_store *store, struct fov_err *err);

#endif
