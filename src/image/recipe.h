/* SPDX-License-Identifier: Apache-2.0 */
/* recipe.h -- a chain of operations: read from JSON, checked, and run as one stream.
 *
 * A recipe is a JSON array of objects, each with "type" and the fields of that operation:
 * [{"type": "upscale", "factor": 2}, {"type": "sharpen", "sigma": 0.3}]. The table ops.def says
 * what there is. Everything is checked before a picture is opened.
 */
#ifndef FOV_IMAGE_RECIPE_H
#define FOV_IMAGE_RECIPE_H

#include "image/image.h"

enum { FOV_MAX_OPS = 30 };

struct fov_recipe;

/* Read a recipe from `n_bytes` of JSON at `text`; `name` is what it is called in sentences, like
 * "--ops" or "operations". Gives *ret_recipe; end it with fov_recipe_free(). FOV_EUSAGE,
 * FOV_EFORMAT for a colour that is none, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_recipe_parse(const char *text, size_t n_bytes, const char *name,
                                           struct fov_recipe **ret_recipe, struct fov_err *err);
void fov_recipe_free(struct fov_recipe *recipe);

/* The format that a convert behind the last upscale asks for, or NULL. FOV_EUSAGE when it cannot be
 * written here. */
FOV_CHECKED enum fov_code fov_recipe_format(const struct fov_recipe *recipe,
                                            const struct fov_format **ret_format,
                                            struct fov_err *err);

/* The upscale number `i` of a recipe, from 0: the name of its network or NULL, its factor, its
 * dials. False when there are fewer. */
bool fov_recipe_upscale(const struct fov_recipe *recipe, int i, const char **ret_model,
                        int *ret_factor, struct fov_dials *ret_dials);

/* Does what an upscale does depend on whether the picture is clean? */
bool fov_recipe_looks(const struct fov_recipe *recipe);

/* How many operations it has. */
int fov_recipe_n_ops(const struct fov_recipe *recipe);

/* Opens the network called `name` (NULL: the default) for an enlargement by `factor`. It must live
 * until the picture is saved. Errors of fov_model_open_dialled(). */
typedef enum fov_code fov_open_model_fn(void *user, const char *name, int factor,
                                        const struct fov_dials *dials, struct fov_model **ret_model,
                                        struct fov_err *err);

/* How many times larger than width x height px a drawing is to be opened for a recipe: the upscale
 * and the resize that it begins with enlarge lines then, and not pixels. */
double fov_recipe_drawing_scale(const struct fov_recipe *recipe, int width_px, int height_px);

struct fov_recipe_options {
    fov_open_model_fn *open_model;
    void *user;
    struct fov_u2net *front; /* for remove_background where the ground is not even; or NULL */
    bool dry_run; /* find out what the result will be; no network is opened, no pixel decoded */
};

/* What comes out beside a picture. */
struct fov_outcome {
    int quality;        /* what a convert asks for, or 0 */
    int64_t max_bytes;  /* of the file, or 0 */
    bool is_size_known; /* false after a dry run of what only pixels can tell */
};

/* Add the operations of a recipe to a picture; of a drawing, fov_recipe_drawing_scale() has done
 * the upscale that it begins with. Gives *ret_image, which keeps `in` alive by itself, and
 * *ret_outcome. FOV_EUSAGE, FOV_EFORMAT when an operation does not suit the picture, and what the
 * steps can fail with; the sentence names the operation by its index. */
FOV_CHECKED enum fov_code fov_recipe_run(const struct fov_recipe *recipe,
                                         const struct fov_image *in,
                                         const struct fov_recipe_options *options,
                                         struct fov_image **ret_image,
                                         struct fov_outcome *ret_outcome, struct fov_err *err);

/* ---- the table ------------------------------------------------------------------------- */

enum fov_field_kind {
    FOV_FIELD_INT,
    FOV_FIELD_REAL,
    FOV_FIELD_ABOVE,
    FOV_FIELD_FLAG,
    FOV_FIELD_COLOUR,
    FOV_FIELD_WORD,
    FOV_FIELD_TEXT,
    FOV_FIELD_FACTOR,
};

struct fov_field {
    const char *name;
    enum fov_field_kind kind;
    double least, most;
    const char *words; /* of a WORD: "a|b|c" */
    double fallback;   /* FOV_REQUIRED, FOV_NONE or a value */
    const char *help;
    size_t at; /* in the operation's struct */
};

#define FOV_REQUIRED (-1e300)
#define FOV_NONE     (-1e200) /* also what a REAL has that was not given */

struct fov_op_info {
    const char *name, *help;
    const struct fov_field *fields;
    int n_fields;
};
extern const struct fov_op_info fov_op_infos[];
extern const int fov_n_ops;

/* The operation called `name`, or NULL. */
const struct fov_op_info *fov_op_find(const char *name);

/* What a field may be, in words: "a whole number from 1 to 100". */
void fov_field_range(const struct fov_field *field, char *text, size_t bytes);

#endif
