/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h -- what the commands share: an engine by the options, signals, JSON. */
#ifndef FOV_CLI_CLI_H
#define FOV_CLI_CLI_H

#include <jansson.h>

#include "cli/options.h"
#include "fovea/fovea.h"
#include "image/image.h"

/* The signal that asked the program to stop, or 0. */
int fov_cli_stopped(void);

/* Start an engine for `args`; FOV_CPU limits the instruction set. Gives *ret_engine. FOV_ECONFIG,
 * FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_cli_engine(const struct fov_args *args,
                                         struct fov_engine **ret_engine, struct fov_err *err);

/* The same, and libvips, which takes a while: for commands with pictures. FOV_EINTERNAL. */
FOV_CHECKED enum fov_code fov_cli_start(const struct fov_args *args, struct fov_engine **ret_engine,
                                        struct fov_err *err);

/* Open the network that `args` asks for, for pictures that are clean or not, with its dials turned
 * or mixed with another; with factor 1, which cleans, the faithful end unless they say otherwise.
 * Gives *ret_model. FOV_EUSAGE for a mix that is not spelt as one, or beside dials; errors of
 * fov_models_find(), fov_model_open_dialled() and fov_model_open_mix(). */
FOV_CHECKED enum fov_code fov_cli_model(const struct fov_args *args, int factor,
                                        struct fov_engine *engine, bool is_clean,
                                        struct fov_model **ret_model, struct fov_err *err);

/* May a picture go to `out`, and the rest that `args` asks for beside it? FOV_EUSAGE, and as far as
 * can be told before there is one, FOV_EOUTPUT. */
FOV_CHECKED enum fov_code fov_cli_check_output(const struct fov_args *args, const char *out,
                                               struct fov_err *err);

/* What the options ask of the file that is written. Gives *ret_options. FOV_EUSAGE. */
FOV_CHECKED enum fov_code fov_cli_save_options(const struct fov_args *args,
                                               struct fov_save_options *ret_options,
                                               struct fov_err *err);

/* A line on a terminal that says how far a picture is; nothing where standard error is none. */
struct fov_cli_progress {
    bool on_terminal;
    double shown_at_s;
};

/* End the line with a sentence, or without a trace for NULL. */
__attribute__((format(printf, 2, 3))) void
fov_cli_progress_done(const struct fov_cli_progress *progress, const char *fmt, ...);

/* fov_image_each_frame(), which a terminal is told of where there are several. */
FOV_CHECKED enum fov_code fov_cli_each_frame(const struct fov_image *in, fov_frame_fn *fn,
                                             void *user, struct fov_image **ret_image,
                                             struct fov_err *err);

/* Save a picture in save->format, with progress, and say what of it the format cannot keep. A
 * signal ends it with FOV_ECANCEL. Errors of fov_image_save(). */
FOV_CHECKED enum fov_code fov_cli_save(const struct fov_image *image, const char *out,
                                       struct fov_save_options *save,
                                       struct fov_cli_progress *progress, struct fov_err *err);

/* The pictures in the folder `folder`, by name: .png, .webp, .jpg. Gives *ret_entries; end them
 * with fov_cli_pictures_free(). FOV_ENOINPUT when there are none. */
struct dirent;
FOV_CHECKED enum fov_code fov_cli_pictures(const char *folder, struct dirent ***ret_entries,
                                           int *ret_n, struct fov_err *err);
void fov_cli_pictures_free(struct dirent **entries, int n);

/* A name of a file for JSON, which is UTF-8: what is none has ? for all that is not ASCII. */
json_t *fov_cli_text(const char *text);

/* Print `value` and a line end to standard output. Takes `value`; NULL is what jansson had
 * no memory for. FOV_EOUTPUT, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_cli_print_json(json_t *value, struct fov_err *err);

/* Has anything been printed by that? Standard output holds one JSON value. */
bool fov_cli_json_printed(void);

/* For FOV_AUTO. */
void fov_cli_engine_close_at(struct fov_engine **engine);
void fov_cli_model_close_at(struct fov_model **model);

#endif
