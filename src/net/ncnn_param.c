/* SPDX-License-Identifier: Apache-2.0 */
/* ncnn_param.c -- the graph in an ncnn .param file.
 *
 *   7767517                                                     magic number
 *   40 41                                                       layers, blobs
 *   Convolution  Conv_0  1 1 data 54 0=64 1=3 4=1 5=1 6=1728    type, name, how many blobs it reads
 *   ...                                                         and makes, which, parameters
 *
 * A blob is a name for what a layer makes; Split gives it several. Both are resolved here: a layer
 * then says which layers it reads, all of them earlier ones, so that whoever follows the graph
 * backwards comes to an end.
 *
 * A parameter is a number under a numeric key, whose meaning depends on the layer's type. rules[]
 * lists those that are known and what they must be: a dilation, a stride or a different padding
 * would be another network, and one that is not in the list is refused rather than guessed.
 *
 * Threads: any. Owns: the layers. Trust: every byte.
 * See: ncnn's docs/developer-guide, param-and-model-file-structure.md and operators.md
 */
#include "net/ncnn_param.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

enum { MAX_DIGITS = 18, LIST_KEY = -23300 };

static const char magic[] = "7767517";

struct blob {
    const char *name;
    size_t name_bytes;
    int layer; /* that makes it */
};

struct reader {
    const char *at, *end;
    const char *file;
    int line;
    struct fov_ncnn_net net;
    struct blob *blobs;
    int n_blobs, max_blobs;
    struct fov_err *err;
};

static const struct {
    const char *name;
    int least_in, most_in;
} types[] = {
    [FOV_NCNN_INPUT] = {"Input", 0, 0},
    [FOV_NCNN_CONVOLUTION] = {"Convolution", 1, 1},
    [FOV_NCNN_PRELU] = {"PReLU", 1, 1},
    [FOV_NCNN_RELU] = {"ReLU", 1, 1},
    [FOV_NCNN_INTERP] = {"Interp", 1, 1},
    [FOV_NCNN_BINARY_OP] = {"BinaryOp", 1, 2},
    [FOV_NCNN_ELTWISE] = {"Eltwise", 2, 2},
    [FOV_NCNN_CONCAT] = {"Concat", 2, FOV_NCNN_MAX_INPUTS},
    [FOV_NCNN_PIXEL_SHUFFLE] = {"PixelShuffle", 1, 1},
};

#define ANY NAN

/* What a parameter is when it is left out, and what it must be. */
static const struct {
    enum fov_ncnn_op op;
    int key;
    double left_out, needed;
} rules[] = {
    {FOV_NCNN_INPUT, 0, 0, ANY}, /* the size of an example */
    {FOV_NCNN_INPUT, 1, 0, ANY},
    {FOV_NCNN_INPUT, 2, 0, ANY},
    {FOV_NCNN_CONVOLUTION, 0, 0, ANY},
    {FOV_NCNN_CONVOLUTION, 1, 0, 3},  /* kernel, across */
    {FOV_NCNN_CONVOLUTION, 11, 3, 3}, /* and down */
    {FOV_NCNN_CONVOLUTION, 2, 1, 1},  /* dilation */
    {FOV_NCNN_CONVOLUTION, 12, 1, 1},
    {FOV_NCNN_CONVOLUTION, 3, 1, 1}, /* stride */
    {FOV_NCNN_CONVOLUTION, 13, 1, 1},
    {FOV_NCNN_CONVOLUTION, 4, 0, 1}, /* padding: left, top, right, bottom, and with what */
    {FOV_NCNN_CONVOLUTION, 14, 1, 1},
    {FOV_NCNN_CONVOLUTION, 15, 1, 1},
    {FOV_NCNN_CONVOLUTION, 16, 1, 1},
    {FOV_NCNN_CONVOLUTION, 18, 0, 0},
    {FOV_NCNN_CONVOLUTION, 5, 0, 1}, /* bias */
    {FOV_NCNN_CONVOLUTION, 6, 0, ANY},
    {FOV_NCNN_CONVOLUTION, 8, 0, 0},  /* int8 */
    {FOV_NCNN_CONVOLUTION, 19, 0, 0}, /* weights from a blob */
    {FOV_NCNN_CONVOLUTION, 9, 0, ANY},
    {FOV_NCNN_CONVOLUTION, 10, 0, ANY},
    {FOV_NCNN_PRELU, 0, 0, ANY},
    {FOV_NCNN_RELU, 0, 0, ANY},
    {FOV_NCNN_INTERP, 0, 0, ANY},
    {FOV_NCNN_INTERP, 1, 1, ANY},
    {FOV_NCNN_INTERP, 2, 1, ANY},
    {FOV_NCNN_INTERP, 3, 0, 0}, /* height, width */
    {FOV_NCNN_INTERP, 4, 0, 0},
    {FOV_NCNN_INTERP, 5, 0, 0}, /* the size of a blob */
    {FOV_NCNN_INTERP, 6, 0, 0}, /* corners aligned */
    {FOV_NCNN_BINARY_OP, 0, 0, ANY},
    {FOV_NCNN_BINARY_OP, 1, 0, ANY},
    {FOV_NCNN_BINARY_OP, 2, 0, ANY},
    {FOV_NCNN_ELTWISE, 0, 0, 1}, /* a sum */
    {FOV_NCNN_ELTWISE, 1, 0, ANY},
    {FOV_NCNN_CONCAT, 0, 0, 0}, /* of channels */
    {FOV_NCNN_PIXEL_SHUFFLE, 0, 1, ANY},
    {FOV_NCNN_PIXEL_SHUFFLE, 1, 0, 0}, /* PyTorch's order of channels */
};

const char *fov_ncnn_op_name(enum fov_ncnn_op op)
{
    return types[op].name;
}

static enum fov_code malformed(const struct reader *r, const char *what)
{
    return fov_fail(r->err, FOV_EMODEL, "%s: not a .param file of ncnn: line %d %s", r->file,
                    r->line, what);
}

/* ---- words ------------------------------------------------------------------------------- */

struct word {
    const char *at;
    size_t bytes;
};

/* The next word of the line; false when there is none. */
static bool next_word(struct reader *r, struct word *ret_word)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
    const char *const start = r->at;
    while (r->at < r->end && *r->at != '\n' && *r->at != ' ' && *r->at != '\t' && *r->at != '\r')
        r->at++;
    *ret_word = (struct word){start, (size_t)(r->at - start)};
    return r->at > start;
}

/* Nothing is left of the line; step to the next. */
static bool end_line(struct reader *r)
{
    struct word w;
    if (next_word(r, &w))
        return false;
    if (r->at < r->end)
        r->at++;
    r->line++;
    return true;
}

static bool same(struct word w, const char *text)
{
    return w.bytes == strlen(text) && !memcmp(w.at, text, w.bytes);
}

static bool digit(struct word *w, unsigned *ret_digit)
{
    if (!w->bytes || *w->at < '0' || *w->at > '9')
        return false;
    *ret_digit = (unsigned)(*w->at - '0');
    w->at++;
    w->bytes--;
    return true;
}

static bool letter(struct word *w, char c)
{
    if (!w->bytes || *w->at != c)
        return false;
    w->at++;
    w->bytes--;
    return true;
}

/* A decimal number at the beginning of *w, which is stepped over. Not strtod(), which would take a
 * comma for the point in half of Europe. */
static bool number(struct word *w, double *ret_value)
{
    unsigned d;
    int n_digits = 0, exponent = 0, scale = 0;
    double value = 0;
    const bool negative = letter(w, '-');
    for (; n_digits <= MAX_DIGITS && digit(w, &d); n_digits++)
        value = 10 * value + d;
    if (letter(w, '.'))
        for (; n_digits <= MAX_DIGITS && digit(w, &d); n_digits++, scale--)
            value = 10 * value + d;
    if (!n_digits || n_digits > MAX_DIGITS)
        return false;
    if (letter(w, 'e') || letter(w, 'E')) {
        const bool small = letter(w, '-');
        (void)(!small && letter(w, '+'));
        for (n_digits = 0; n_digits < 2 && digit(w, &d); n_digits++)
            exponent = 10 * exponent + (int)d;
        if (!n_digits)
            return false;
        scale += small ? -exponent : exponent;
    }
    for (; scale > 0; scale--)
        value *= 10;
    for (; scale < 0; scale++)
        value /= 10;
    *ret_value = negative ? -value : value;
    return true;
}

/* A word that is a count from 0 to `most`. */
static bool next_count(struct reader *r, int most, int *ret_n)
{
    struct word w;
    unsigned d;
    int n = 0;
    if (!next_word(r, &w))
        return false;
    while (digit(&w, &d))
        if ((n = 10 * n + (int)d) > most)
            return false;
    *ret_n = n;
    return !w.bytes;
}

/* ---- blobs ------------------------------------------------------------------------------- */

static int find_blob(const struct reader *r, struct word name)
{
    for (int i = r->n_blobs; i-- > 0;) /* most are read soon after they were made */
        if (r->blobs[i].name_bytes == name.bytes && !memcmp(r->blobs[i].name, name.at, name.bytes))
            return i;
    return -1;
}

/* The layer that makes the blob that the line names next. */
static enum fov_code read_input(struct reader *r, int *ret_layer)
{
    struct word name;
    if (!next_word(r, &name))
        return malformed(r, "is shorter than it says");
    const int blob = find_blob(r, name);
    if (blob < 0)
        return malformed(r, "reads what no line before it makes");
    *ret_layer = r->blobs[blob].layer;
    return FOV_OK;
}

static enum fov_code make_blobs(struct reader *r, int n, int layer)
{
    struct word name;
    for (int i = 0; i < n; i++) {
        if (!next_word(r, &name))
            return malformed(r, "is shorter than it says");
        if (find_blob(r, name) >= 0)
            return malformed(r, "makes what another line makes");
        if (r->n_blobs == r->max_blobs)
            return malformed(r, "makes more blobs than were promised");
        r->blobs[r->n_blobs++] = (struct blob){name.at, name.bytes, layer};
    }
    return FOV_OK;
}

/* ---- parameters -------------------------------------------------------------------------- */

static bool find_rule(enum fov_ncnn_op op, int key)
{
    for (size_t i = 0; i < FOV_N_ELEMENTS(rules); i++)
        if (rules[i].op == op && rules[i].key == key)
            return true;
    return false;
}

/* "2", or "0.2,0.3" as newer files have lists, or "2,0.2,0.3" as a counted list. */
static bool read_values(struct word *w, bool counted, double values[FOV_NCNN_MAX_LIST], int *ret_n)
{
    double count = 0;
    int n = 0;
    if (counted && (!number(w, &count) || (w->bytes && !letter(w, ','))))
        return false;
    if (w->bytes || !counted)
        do {
            if (n == FOV_NCNN_MAX_LIST || !number(w, &values[n++]))
                return false;
        } while (letter(w, ','));
    *ret_n = n;
    return !w->bytes && (!counted || count == n);
}

/* "9=2", or "-23310=1,0.2" for a list under the key 10. */
static enum fov_code read_parameter(struct reader *r, struct word w, struct fov_ncnn_layer *l)
{
    double key, values[FOV_NCNN_MAX_LIST] = {0};
    int n;
    if (!number(&w, &key) || !letter(&w, '='))
        return malformed(r, "has a parameter that is not KEY=NUMBER");
    const bool counted = key <= LIST_KEY;
    key = counted ? LIST_KEY - key : key;
    if (!(key >= 0 && key < FOV_NCNN_N_KEYS) || key != (int)key || !find_rule(l->op, (int)key))
        return fov_fail(r->err, FOV_EMODEL,
                        "%s: layer %s (%s) has the parameter %g, which is not known here", r->file,
                        l->name, types[l->op].name, key);
    if (!read_values(&w, counted, values, &n))
        return malformed(r, "has a parameter that is not KEY=NUMBER");
    if (l->op == FOV_NCNN_ELTWISE && key == 1) {
        l->n_list = n;
        memcpy(l->list, values, sizeof(l->list));
    } else if (n > 1) {
        return malformed(r, "has a list where a number should be");
    } else if (n) {
        l->value[(int)key] = values[0];
    }
    return FOV_OK;
}

/* All that follows the blobs of the line. */
static enum fov_code read_parameters(struct reader *r, struct fov_ncnn_layer *l)
{
    struct word w;
    enum fov_code rc;
    for (size_t i = 0; i < FOV_N_ELEMENTS(rules); i++)
        if (rules[i].op == l->op)
            l->value[rules[i].key] = rules[i].left_out;
    while (next_word(r, &w))
        if ((rc = read_parameter(r, w, l)))
            return rc;
    for (size_t i = 0; i < FOV_N_ELEMENTS(rules); i++)
        if (rules[i].op == l->op && !isnan(rules[i].needed) &&
            l->value[rules[i].key] != rules[i].needed)
            return fov_fail(r->err, FOV_EMODEL,
                            "%s: layer %s (%s) has %g for the parameter %d; only %g is supported",
                            r->file, l->name, types[l->op].name, l->value[rules[i].key],
                            rules[i].key, rules[i].needed);
    return FOV_OK;
}

/* ---- layers ------------------------------------------------------------------------------ */

/* The line's second half for a layer that passes on what it reads, under several names. */
static enum fov_code read_split(struct reader *r, int n_in, int n_out)
{
    int layer;
    enum fov_code rc;
    if (n_in != 1)
        return malformed(r, "has an impossible number of inputs");
    if ((rc = read_input(r, &layer)) || (rc = make_blobs(r, n_out, layer)))
        return rc;
    return end_line(r) ? FOV_OK : malformed(r, "is longer than it says");
}

static enum fov_code read_layer(struct reader *r)
{
    struct fov_ncnn_layer l = {0};
    struct word type, name;
    int n_in, n_out, op = 0;
    enum fov_code rc;

    if (!next_word(r, &type) || !next_word(r, &name) || !next_count(r, FOV_NCNN_MAX_BLOBS, &n_in) ||
        !next_count(r, FOV_NCNN_MAX_BLOBS, &n_out))
        return malformed(r, "is not TYPE NAME INPUTS OUTPUTS ...");
    if (same(type, "Split"))
        return read_split(r, n_in, n_out);
    while (op < (int)FOV_N_ELEMENTS(types) && !same(type, types[op].name))
        op++;
    if (op == (int)FOV_N_ELEMENTS(types))
        return fov_fail(r->err, FOV_EMODEL,
                        "%s: an ncnn network with a layer of type %.*s; " FOV_NCNN_KNOWN
                        " are supported",
                        r->file, (int)(type.bytes < 30 ? type.bytes : 30), type.at);

    l.op = (enum fov_ncnn_op)op;
    l.n_in = n_in;
    for (size_t i = 0; i < name.bytes && i < sizeof(l.name) - 1; i++)
        l.name[i] = name.at[i];
    if (n_in < types[op].least_in || n_in > types[op].most_in || n_out != 1)
        return malformed(r, "has an impossible number of inputs or outputs");
    for (int i = 0; i < n_in; i++) {
        if ((rc = read_input(r, &l.in[i])))
            return rc;
        r->net.layers[l.in[i]].n_readers++;
    }
    if ((rc = make_blobs(r, 1, r->net.n_layers)) || (rc = read_parameters(r, &l)))
        return rc;
    r->net.layers[r->net.n_layers++] = l;
    return end_line(r) ? FOV_OK : malformed(r, "is longer than it says");
}

/* ---- the file ---------------------------------------------------------------------------- */

bool fov_ncnn_param_matches(const unsigned char *text, size_t bytes)
{
    const size_t n = sizeof(magic) - 1;
    return bytes > n && !memcmp(text, magic, n) && (text[n] == '\n' || text[n] == '\r');
}

void fov_ncnn_net_done(struct fov_ncnn_net *net)
{
    fov_free(net->layers);
    *net = (struct fov_ncnn_net){0};
}

static enum fov_code read_file(struct reader *r)
{
    struct word w;
    int n_layers;
    if (!next_word(r, &w) || !same(w, magic) || !end_line(r) ||
        !next_count(r, FOV_NCNN_MAX_LAYERS, &n_layers) ||
        !next_count(r, FOV_NCNN_MAX_BLOBS, &r->max_blobs) || !end_line(r))
        return malformed(r, "is not its magic number, or the counts of layers and blobs");
    r->net.layers = fov_calloc((size_t)n_layers, sizeof(*r->net.layers));
    r->blobs = fov_calloc((size_t)r->max_blobs, sizeof(*r->blobs));
    if (!r->net.layers || !r->blobs)
        return fov_fail(r->err, FOV_ENOMEM, "%s: no memory for its layers", r->file);
    for (int i = 0; i < n_layers; i++) {
        const enum fov_code rc = read_layer(r);
        if (rc)
            return rc;
    }
    while (r->at < r->end)
        if (!end_line(r))
            return malformed(r, "is more than the layers that were promised");
    return FOV_OK;
}

enum fov_code fov_ncnn_net_init(const unsigned char *text, size_t bytes, const char *file,
                                struct fov_ncnn_net *ret_net, struct fov_err *err)
{
    struct reader r = {.at = (const char *)text,
                       .end = (const char *)text + bytes,
                       .file = file,
                       .line = 1,
                       .err = err};
    const enum fov_code rc = read_file(&r);
    fov_free(r.blobs);
    if (rc)
        fov_ncnn_net_done(&r.net);
    else
        *ret_net = r.net;
    return rc;
}
