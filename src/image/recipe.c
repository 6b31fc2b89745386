/* SPDX-License-Identifier: Apache-2.0 */
/* recipe.c -- the table of operations, and recipes read by it.
 *
 * The table ops.def is walked four times: for names, for fields, for where a field lies in its
 * operation's struct, and for what runs it. The parser knows kinds of fields and no operation.
 *
 * Threads: a recipe is not changed after it was read. Owns: recipes, and the JSON their texts lie
 * in. Trust: every byte of the JSON; jansson refuses keys that come twice, depth and what is no
 * UTF-8.
 */
#include "image/recipe.h"

#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "image/chain.h"

/* ---- the table --------------------------------------------------------------------------- */

#define REQUIRED FOV_REQUIRED
#define NONE     FOV_NONE

/* static const struct fov_field fields_resize[] = {{"width_in_px", ...}, ..., {NULL}}; */
#define OP(name, line) static const struct fov_field fields_##name[] = {
#define FIELD(op, name, kind, least, most, words, fallback, help)                                  \
    {#name, FOV_FIELD_##kind, least, most,                                                         \
     words, fallback,         help,  offsetof(struct fov_op_##op, name)},
#define END(name)                                                                                  \
    {                                                                                              \
        .help = NULL                                                                               \
    }                                                                                              \
    }                                                                                              \
    ;
#include "image/ops.def"
#undef OP
#undef FIELD
#undef END

#define OP(name, line) {#name, line, fields_##name, (int)FOV_N_ELEMENTS(fields_##name) - 1},
#define FIELD(op, name, kind, least, most, words, fallback, help)
#define END(name)
const struct fov_op_info fov_op_infos[] = {
#include "image/ops.def"
};
#undef OP
#undef FIELD
#undef END

const int fov_n_ops = (int)FOV_N_ELEMENTS(fov_op_infos);

const struct fov_op_info *fov_op_find(const char *name)
{
    for (int i = 0; i < fov_n_ops; i++)
        if (!strcmp(name, fov_op_infos[i].name))
            return &fov_op_infos[i];
    return NULL;
}

void fov_field_range(const struct fov_field *f, char *text, size_t bytes)
{
    static const char *const forms[] = {
        [FOV_FIELD_INT] = "a whole number from %.0f to %.0f",
        [FOV_FIELD_FACTOR] = "a whole number from %.0f to %.0f",
        [FOV_FIELD_REAL] = "a number from %.0f to %.0f",
        [FOV_FIELD_ABOVE] = "a number over %.0f, up to %.0f",
    };
    if (f->kind == FOV_FIELD_FLAG)
        (void)snprintf(text, bytes, "true or false");
    else if (f->kind == FOV_FIELD_COLOUR)
        (void)snprintf(text, bytes, "a colour like \"#FF8000\"");
    else if (f->kind == FOV_FIELD_TEXT)
        (void)snprintf(text, bytes, "a text");
    else if (f->kind == FOV_FIELD_WORD) {
        size_t used = (size_t)snprintf(text, bytes, "one of ");
        for (const char *w = f->words; *w && used + 1 < bytes; w++)
            used += (size_t)snprintf(text + used, bytes - used, *w == '|' ? ", " : "%c", *w);
    } else
        (void)snprintf(text, bytes, forms[f->kind], f->least, f->most);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* One operation with its parameters. */
struct op {
    const struct fov_op_info *info;
    union {
#define OP(name, line) struct fov_op_##name name;
#define FIELD(op, name, kind, least, most, words, fallback, help)
#define END(name)
#include "image/ops.def"
#undef OP
#undef FIELD
#undef END
    } as;
};

struct fov_recipe {
    json_t *json; /* texts lie here */
    char *name;
    int n_ops;
    struct op ops[FOV_MAX_OPS];
};

/* What is being read, for sentences. */
struct place {
    const char *recipe;
    size_t index;
    const struct fov_op_info *op;
    const struct fov_field *field;
};

/* The number of `word` in "a|b|c", or -1. */
static int word_index(const char *words, const char *word)
{
    const size_t n = strlen(word);
    int index = 0;
    for (const char *at = words; at; at = strchr(at, '|'), at = at ? at + 1 : NULL, index++)
        if (!strncmp(at, word, n) && (at[n] == '|' || at[n] == '\0'))
            return index;
    return -1;
}

/* 0xRRGGBB, or -1. */
static int colour_of(const char *text)
{
    if (strlen(text) != 7 || text[0] != '#' || strspn(text + 1, "0123456789abcdefABCDEF") != 6)
        return -1;
    return (int)strtol(text + 1, NULL, 16);
}

/* FOV_EUSAGE: the value of a field is not what it may be. A colour is the picture's business. */
static enum fov_code bad_value(const struct place *p, const json_t *value, struct fov_err *err)
{
    char range[200], text[40 + 1] = "";
    const bool fits =
        json_dumpb(value, text, sizeof(text) - 1, JSON_ENCODE_ANY | JSON_COMPACT) < sizeof(text);
    fov_field_range(p->field, range, sizeof(range));
    return fov_fail(err, p->field->kind == FOV_FIELD_COLOUR ? FOV_EFORMAT : FOV_EUSAGE,
                    "%s[%zu] (%s): %s is %s%s; it is %s", p->recipe, p->index, p->op->name,
                    p->field->name, text, fits ? "" : "...", range);
}

static bool is_in_range(const struct fov_field *f, double number)
{
    const bool whole = f->kind == FOV_FIELD_INT || f->kind == FOV_FIELD_FACTOR;
    return number >= f->least && number <= f->most &&
           !(f->kind == FOV_FIELD_ABOVE && number <= f->least) &&
           !(whole && number != floor(number));
}

/* Write `value` where the field lies in `to`, if it may be there. */
static bool read_value(const struct fov_field *f, const json_t *value, void *to)
{
    const char *const text = json_string_value(value);
    void *const at = (char *)to + f->at;
    double number;

    switch (f->kind) {
    case FOV_FIELD_FLAG:
        *(int *)at = json_is_true(value);
        return json_is_boolean(value);
    case FOV_FIELD_COLOUR:
        return text && (*(int *)at = colour_of(text)) >= 0;
    case FOV_FIELD_WORD:
        return text && (*(int *)at = word_index(f->words, text)) >= 0;
    case FOV_FIELD_TEXT:
        *(const char **)at = text;
        return text && *text;
    case FOV_FIELD_FACTOR:
        if (text && fov_parse_real(text, f->least, f->most, &number))
            break;
        __attribute__((fallthrough));
    case FOV_FIELD_INT:
    case FOV_FIELD_REAL:
    case FOV_FIELD_ABOVE:
        if (!json_is_number(value))
            return false;
        number = json_number_value(value);
        break;
    }
    if (!is_in_range(f, number))
        return false;
    if (f->kind == FOV_FIELD_INT || f->kind == FOV_FIELD_FACTOR)
        *(int *)at = (int)number;
    else
        *(double *)at = number;
    return true;
}

static void set_fallback(const struct fov_field *f, void *to)
{
    void *const at = (char *)to + f->at;
    if (f->kind == FOV_FIELD_TEXT)
        *(const char **)at = NULL;
    else if (f->kind == FOV_FIELD_REAL || f->kind == FOV_FIELD_ABOVE)
        *(double *)at = f->fallback;
    else
        *(int *)at = f->fallback < 0 ? -1 : (int)f->fallback;
}

/* Every key is a field of the operation. */
static enum fov_code check_keys(const struct place *p, json_t *object, struct fov_err *err)
{
    const char *names[16], *key;
    json_t *value;
    for (int i = 0; i < p->op->n_fields; i++)
        names[i] = p->op->fields[i].name;
    json_object_foreach(object, key, value)
    {
        bool known = !strcmp(key, "type");
        for (int i = 0; i < p->op->n_fields && !known; i++)
            known = !strcmp(key, names[i]);
        if (known)
            continue;
        const char *const near = fov_nearest(key, names, p->op->n_fields);
        return fov_fail(err, FOV_EUSAGE, "%s[%zu] (%s): there is no field '%.40s'%s%s%s", p->recipe,
                        p->index, p->op->name, key, near ? "; did you mean " : "", near ? near : "",
                        near ? "?" : "");
    }
    return FOV_OK;
}

static enum fov_code read_fields(struct place *p, json_t *object, void *to, struct fov_err *err)
{
    const enum fov_code rc = check_keys(p, object, err);
    if (rc)
        return rc;
    for (int i = 0; i < p->op->n_fields; i++) {
        p->field = &p->op->fields[i];
        const json_t *const value = json_object_get(object, p->field->name);
        if (value && !json_is_null(value)) {
            if (!read_value(p->field, value, to))
                return bad_value(p, value, err);
        } else if (p->field->fallback == FOV_REQUIRED) {
            char range[200];
            fov_field_range(p->field, range, sizeof(range));
            return fov_fail(err, FOV_EUSAGE, "%s[%zu] (%s): %s is missing; it is %s", p->recipe,
                            p->index, p->op->name, p->field->name, range);
        } else {
            set_fallback(p->field, to);
        }
    }
    return FOV_OK;
}

static enum fov_code read_op(struct place *p, json_t *object, struct op *ret_op,
                             struct fov_err *err)
{
    const char *const type = json_string_value(json_object_get(object, "type"));
    if (!json_is_object(object) || !type)
        return fov_fail(err, FOV_EUSAGE, "%s[%zu]: is not an object with a \"type\"", p->recipe,
                        p->index);
    if (!(p->op = fov_op_find(type))) {
        const char *names[FOV_N_ELEMENTS(fov_op_infos)];
        for (int i = 0; i < fov_n_ops; i++)
            names[i] = fov_op_infos[i].name;
        const char *const near = fov_nearest(type, names, fov_n_ops);
        return fov_fail(err, FOV_EUSAGE, "%s[%zu]: there is no operation '%.40s'%s%s%s", p->recipe,
                        p->index, type, near ? "; did you mean " : "", near ? near : "",
                        near ? "?" : "");
    }
    ret_op->info = p->op;
    return read_fields(p, object, &ret_op->as, err);
}

static enum fov_code read_ops(struct fov_recipe *r, struct fov_err *err)
{
    const size_t n = json_array_size(r->json);
    if (!json_is_array(r->json))
        return fov_fail(err, FOV_EUSAGE, "%s: is not an array of operations", r->name);
    if (n > FOV_MAX_OPS)
        return fov_fail(err, FOV_EUSAGE, "%s: has %zu operations, over the limit of %d", r->name, n,
                        FOV_MAX_OPS);
    for (size_t i = 0; i < n; i++) {
        struct place p = {.recipe = r->name, .index = i};
        const enum fov_code rc = read_op(&p, json_array_get(r->json, i), &r->ops[i], err);
        if (rc)
            return rc;
        r->n_ops++;
    }
    return FOV_OK;
}

static void recipe_free_at(struct fov_recipe **recipe)
{
    fov_recipe_free(*recipe);
}

enum fov_code fov_recipe_parse(const char *text, size_t n_bytes, const char *name,
                               struct fov_recipe **ret_recipe, struct fov_err *err)
{
    FOV_AUTO(recipe_free_at) struct fov_recipe *r = fov_calloc(1, sizeof(*r));
    json_error_t why;
    enum fov_code rc;

    if (!r || !(r->name = fov_strdup(name)))
        return fov_fail(err, FOV_ENOMEM, "%s: no memory to read it", name);
    if (!(r->json = json_loadb(text, n_bytes, JSON_REJECT_DUPLICATES, &why)))
        return fov_fail(err, FOV_EUSAGE, "%s: is not JSON: line %d, column %d: %s", name, why.line,
                        why.column, why.text);
    if ((rc = read_ops(r, err)))
        return rc;
    *ret_recipe = FOV_STEAL(r);
    return FOV_OK;
}

void fov_recipe_free(struct fov_recipe *recipe)
{
    if (!recipe)
        return;
    json_decref(recipe->json);
    fov_free(recipe->name);
    fov_free(recipe);
}

enum fov_code fov__format_at(int index, const struct fov_format **ret_format, struct fov_err *err)
{
    const char *word = fields_convert[0].words;
    char name[16];
    for (; index > 0; index--)
        word = strchr(word, '|') + 1;
    (void)snprintf(name, sizeof(name), "x.%.*s", (int)strcspn(word, "|"), word);
    return fov_format_of(name, ret_format, err);
}

enum fov_code fov_recipe_format(const struct fov_recipe *recipe,
                                const struct fov_format **ret_format, struct fov_err *err)
{
    *ret_format = NULL;
    for (int i = recipe->n_ops - 1; i >= 0; i--) {
        if (recipe->ops[i].info->fields == fields_convert)
            return fov__format_at(recipe->ops[i].as.convert.format, ret_format, err);
        if (recipe->ops[i].info->fields == fields_upscale)
            break;
    }
    return FOV_OK;
}

bool fov_recipe_upscale(const struct fov_recipe *recipe, int i, const char **ret_model,
                        int *ret_factor, struct fov_dials *ret_dials)
{
    for (int at = 0; at < recipe->n_ops; at++) {
        const struct fov_op_upscale *const o = &recipe->ops[at].as.upscale;
        if (recipe->ops[at].info->fields != fields_upscale || i-- > 0)
            continue;
        *ret_model = o->model;
        *ret_factor = o->factor;
        *ret_dials = (struct fov_dials){o->detail, o->denoise, 0};
        return true;
    }
    return false;
}

bool fov_recipe_looks(const struct fov_recipe *recipe)
{
    struct fov_dials dials;
    const char *name;
    int factor;
    for (int i = 0; fov_recipe_upscale(recipe, i, &name, &factor, &dials); i++)
        if (dials.denoise < 0)
            return true;
    return false;
}

int fov_recipe_n_ops(const struct fov_recipe *recipe)
{
    return recipe->n_ops;
}

/* ---- running ----------------------------------------------------------------------------- */

static enum fov_code apply(struct fov_chain *c, const struct op *op, struct fov_err *err)
{
#define OP(name, line)                                                                             \
    if (op->info->fields == fields_##name)                                                         \
        return fov__op_##name(c, &op->as.name, err);
#define FIELD(op, name, kind, least, most, words, fallback, help)
#define END(name)
#include "image/ops.def"
#undef OP
#undef FIELD
#undef END
    return fov__op_fail(c, err, FOV_EINTERNAL, "nothing runs it");
}

static int n_leading_upscales(const struct fov_recipe *recipe)
{
    int n = 0;
    while (n < recipe->n_ops && recipe->ops[n].info->fields == fields_upscale)
        n++;
    return n;
}

double fov_recipe_drawing_scale(const struct fov_recipe *recipe, int width_px, int height_px)
{
    const int n = n_leading_upscales(recipe);
    double scale = 1;
    for (int i = 0; i < n; i++)
        scale *= recipe->ops[i].as.upscale.factor;
    if (n < recipe->n_ops && recipe->ops[n].info->fields == fields_resize)
        scale *= fmax(
            1, fov__resize_scale(&recipe->ops[n].as.resize, width_px * scale, height_px * scale));
    return scale;
}

enum fov_code fov_recipe_run(const struct fov_recipe *recipe, const struct fov_image *in,
                             const struct fov_recipe_options *options, struct fov_image **ret_image,
                             struct fov_outcome *ret_outcome, struct fov_err *err)
{
    struct fov_outcome outcome = {.is_size_known = true};
    struct fov_chain c = {.options = options, .outcome = &outcome, .name = recipe->name};
    enum fov_code rc;

    g_object_ref(in->vips);
    rc = fov__image_wrap(in->vips, in, in->name, &c.image, err);
    for (int i = in->is_vector ? n_leading_upscales(recipe) : 0; i < recipe->n_ops && !rc; i++) {
        c.index = i;
        c.op = recipe->ops[i].info->name;
        rc = apply(&c, &recipe->ops[i], err);
    }
    if (rc) {
        fov_image_free(c.image);
        return rc;
    }
    *ret_image = c.image;
    *ret_outcome = outcome;
    return FOV_OK;
}
