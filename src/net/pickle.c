/* SPDX-License-Identifier: Apache-2.0 */
/* pickle.c -- read Python's pickle format as far as a network's weights need it, and no further.
 *
 * A machine with a stack, a memo (values to be used again) and about fifty instructions. Values are
 * handles; containers are lists of cells that all lie in one pool, so that a list may hold itself
 * and is still freed with one call, and nothing here recurses. A tuple of arguments becomes the
 * tensor: its items stay where they are and are read by pth.c.
 *
 * What is not in the two tables of this file is refused by name: other instructions, and every name
 * of a class or a function that is not one of those that torch.save() writes for tensors. Nothing
 * is ever called, so that no name is dangerous; others are refused because a file that asks for
 * them is more than a network's weights.
 *
 * Instructions, stack, memo and containers have ceilings, so that memory and time are bounded
 * whatever the file says.
 *
 * Threads: any. Owns: the pools. Trust: every byte.
 */
#include "net/pickle.h"

#include <string.h>

#include "base/mem.h"
#include "net/bytes.h"

struct cell {
    struct fov_pickle_value value;
    uint32_t next; /* 0: the last */
};

struct box {
    uint32_t first, last;
};

/* A growing list with a ceiling. */
struct pool {
    void *at;
    size_t n, max;
};

struct fov_pickle {
    struct pool stack, marks, memo, cells, boxes, storages;
};

struct machine {
    struct fov_pickle *p;
    const unsigned char *at, *end;
    size_t argument; /* of the instruction, from its table */
    const char *file;
    struct fov_err *err;
};

/* What a name stands for, beside storages. */
enum { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, STORAGE_TYPE };

static const struct {
    const char *name;
    int what;
    const char *dtype;
} names[] = {
    {"collections.OrderedDict", ORDERED_DICT, NULL},
    {"torch._utils._rebuild_tensor_v2", REBUILD_TENSOR, NULL},
    {"torch._utils._rebuild_tensor", REBUILD_TENSOR, NULL},
    {"torch._utils._rebuild_parameter", REBUILD_PARAMETER, NULL},
    {"torch.FloatStorage", STORAGE_TYPE, "F32"},
    {"torch.HalfStorage", STORAGE_TYPE, "F16"},
    {"torch.BFloat16Storage", STORAGE_TYPE, "BF16"},
    {"torch.DoubleStorage", STORAGE_TYPE, "F64"},
    {"torch.LongStorage", STORAGE_TYPE, "I64"},
    {"torch.IntStorage", STORAGE_TYPE, "I32"},
    {"torch.ShortStorage", STORAGE_TYPE, "I16"},
    {"torch.CharStorage", STORAGE_TYPE, "I8"},
    {"torch.ByteStorage", STORAGE_TYPE, "U8"},
    {"torch.BoolStorage", STORAGE_TYPE, "BOOL"},
};

/* ---- failing ----------------------------------------------------------------------------- */

static enum fov_code damaged(const struct machine *m, const char *what)
{
    return fov_fail(m->err, FOV_EMODEL, "%s: its pickle %s: it is truncated or damaged", m->file,
                    what);
}

static enum fov_code ends(const struct machine *m)
{
    return damaged(m, "ends in the middle");
}

static enum fov_code too_many(const struct machine *m, const char *what, size_t limit)
{
    return fov_fail(m->err, FOV_EMODEL, "%s: its pickle has more than %zu %s", m->file, limit,
                    what);
}

/* Refuse a class or function: `module` and `name` as the file has them. */
static enum fov_code refuse_name(const struct machine *m, const char *module, size_t module_bytes,
                                 const char *name, size_t name_bytes)
{
    return fov_fail(m->err, FOV_EMODEL,
                    "%s: asks for %.*s.%.*s, which a network has no need of; only tensors, "
                    "numbers, text and lists of them are read",
                    m->file, (int)(module_bytes < 80 ? module_bytes : 80), module,
                    (int)(name_bytes < 80 ? name_bytes : 80), name);
}

/* ---- pools ------------------------------------------------------------------------------- */

/* Make room for one more element of `size` bytes. */
static enum fov_code reserve(const struct machine *m, struct pool *pool, size_t size, size_t limit,
                             const char *what)
{
    if (pool->n == limit)
        return too_many(m, what, limit);
    if (pool->n == pool->max) {
        const size_t max = pool->max ? 2 * pool->max : 64;
        void *const grown = fov_realloc(pool->at, max, size);
        if (!grown)
            return fov_fail(m->err, FOV_ENOMEM, "%s: no memory to read its pickle", m->file);
        pool->at = grown;
        pool->max = max;
    }
    return FOV_OK;
}

static struct fov_pickle_value *values(const struct pool *pool)
{
    return pool->at;
}

static enum fov_code push(struct machine *m, struct fov_pickle_value v)
{
    struct pool *const stack = &m->p->stack;
    const enum fov_code rc = reserve(m, stack, sizeof(v), FOV_PICKLE_MAX_STACK, "values at a time");
    if (rc)
        return rc;
    values(stack)[stack->n++] = v;
    return FOV_OK;
}

static enum fov_code push_integer(struct machine *m, enum fov_pickle_kind kind, int64_t n)
{
    return push(m, (struct fov_pickle_value){.kind = kind, .integer = n});
}

/* The lowest place of the stack that may be popped: what lies below a mark is not in reach. */
static size_t bottom(const struct fov_pickle *p)
{
    return p->marks.n ? ((const size_t *)p->marks.at)[p->marks.n - 1] : 0;
}

static enum fov_code pop(struct machine *m, struct fov_pickle_value *ret_value)
{
    struct pool *const stack = &m->p->stack;
    if (stack->n <= bottom(m->p))
        return damaged(m, "takes a value that is not there");
    *ret_value = values(stack)[--stack->n];
    return FOV_OK;
}

static enum fov_code pop_kind(struct machine *m, enum fov_pickle_kind kind,
                              struct fov_pickle_value *ret_value)
{
    const enum fov_code rc = pop(m, ret_value);
    if (rc)
        return rc;
    return ret_value->kind == kind ? FOV_OK : damaged(m, "takes one kind of value for another");
}

/* Take the last mark away; the values above it begin at *ret_from. */
static enum fov_code pop_mark(struct machine *m, size_t *ret_from)
{
    if (!m->p->marks.n)
        return damaged(m, "ends a list that it has not begun");
    *ret_from = bottom(m->p);
    m->p->marks.n--;
    return FOV_OK;
}

static enum fov_code new_box(struct machine *m, enum fov_pickle_kind kind,
                             struct fov_pickle_value *ret_value)
{
    struct pool *const boxes = &m->p->boxes;
    const enum fov_code rc =
        reserve(m, boxes, sizeof(struct box), FOV_PICKLE_MAX_ITEMS, "containers");
    if (rc)
        return rc;
    *ret_value = (struct fov_pickle_value){.kind = kind, .box = (uint32_t)boxes->n};
    ((struct box *)boxes->at)[boxes->n++] = (struct box){0, 0};
    return FOV_OK;
}

static enum fov_code append(struct machine *m, struct fov_pickle_value to,
                            struct fov_pickle_value item)
{
    struct pool *const cells = &m->p->cells;
    const enum fov_code rc = reserve(m, cells, sizeof(struct cell), FOV_PICKLE_MAX_ITEMS, "items");
    if (rc)
        return rc;
    struct cell *const all = cells->at;
    struct box *const box = (struct box *)m->p->boxes.at + to.box;
    const uint32_t new = (uint32_t)cells->n++;
    all[new] = (struct cell){item, 0};
    if (box->first)
        all[box->last].next = new;
    else
        box->first = new;
    box->last = new;
    return FOV_OK;
}

/* Append the values of the stack from `from` on, and take them away. */
static enum fov_code append_from(struct machine *m, struct fov_pickle_value to, size_t from)
{
    struct pool *const stack = &m->p->stack;
    for (size_t i = from; i < stack->n; i++) {
        const enum fov_code rc = append(m, to, values(stack)[i]);
        if (rc)
            return rc;
    }
    stack->n = from;
    return FOV_OK;
}

/* ---- instructions ------------------------------------------------------------------------ */

static bool take(struct machine *m, size_t bytes, const unsigned char **ret_at)
{
    if ((size_t)(m->end - m->at) < bytes)
        return false;
    *ret_at = m->at;
    m->at += bytes;
    return true;
}

/* A number of `width` bytes, 1, 2, 4 or 8. */
static bool take_number(struct machine *m, size_t width, uint64_t *ret_n)
{
    const unsigned char *at;
    if (!take(m, width, &at))
        return false;
    *ret_n = 0;
    for (size_t i = width; i-- > 0;)
        *ret_n = *ret_n << 8 | at[i];
    return true;
}

static enum fov_code step_text(struct machine *m)
{
    const size_t width = m->argument;
    const unsigned char *text;
    uint64_t n;
    if (!take_number(m, width, &n) || !take(m, n, &text))
        return ends(m);
    return push(m, (struct fov_pickle_value){.kind = FOV_PICKLE_TEXT,
                                             .n_bytes = (uint32_t)n,
                                             .text = (const char *)text});
}

/* An integer of any length, in two's complement. */
static enum fov_code step_long(struct machine *m)
{
    const size_t width = m->argument;
    const unsigned char *at;
    uint64_t n, value;
    if (!take_number(m, width, &n) || !take(m, n, &at))
        return ends(m);
    if (n > 8)
        return fov_fail(m->err, FOV_EMODEL,
                        "%s: its pickle has an integer of %llu bytes; the limit is 8", m->file,
                        (unsigned long long)n);
    value = n && at[n - 1] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = n; i-- > 0;)
        value = value << 8 | at[i];
    return push_integer(m, FOV_PICKLE_INT, (int64_t)value);
}

static enum fov_code step_float(struct machine *m)
{
    const unsigned char *at;
    struct fov_pickle_value v = {.kind = FOV_PICKLE_FLOAT};
    uint64_t bits = 0;
    if (!take(m, 8, &at))
        return ends(m);
    for (size_t i = 0; i < 8; i++) /* the one number that is big endian */
        bits = bits << 8 | at[i];
    memcpy(&v.number, &bits, sizeof(bits));
    return push(m, v);
}

/* Up to the end of the line. */
static bool take_line(struct machine *m, const char **ret_text, size_t *ret_bytes)
{
    const unsigned char *const newline = memchr(m->at, '\n', (size_t)(m->end - m->at));
    if (!newline)
        return false;
    *ret_text = (const char *)m->at;
    *ret_bytes = (size_t)(newline - m->at);
    m->at = newline + 1;
    return true;
}

static enum fov_code push_name(struct machine *m, const char *module, size_t module_bytes,
                               const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < FOV_N_ELEMENTS(names); i++) {
        const char *const known = names[i].name;
        if (strlen(known) == module_bytes + 1 + name_bytes &&
            !memcmp(known, module, module_bytes) && known[module_bytes] == '.' &&
            !memcmp(known + module_bytes + 1, name, name_bytes))
            return push(m, (struct fov_pickle_value){.kind = FOV_PICKLE_NAME,
                                                     .n_bytes = (uint32_t)names[i].what,
                                                     .dtype = names[i].dtype});
    }
    return refuse_name(m, module, module_bytes, name, name_bytes);
}

static enum fov_code step_global(struct machine *m)
{
    const char *module, *name;
    size_t module_bytes, name_bytes;
    if (!take_line(m, &module, &module_bytes) || !take_line(m, &name, &name_bytes))
        return ends(m);
    return push_name(m, module, module_bytes, name, name_bytes);
}

static enum fov_code step_stack_global(struct machine *m)
{
    struct fov_pickle_value module, name;
    enum fov_code rc;
    if ((rc = pop_kind(m, FOV_PICKLE_TEXT, &name)) || (rc = pop_kind(m, FOV_PICKLE_TEXT, &module)))
        return rc;
    return push_name(m, module.text, module.n_bytes, name.text, name.n_bytes);
}

/* Keep the last value, at a place of `width` bytes, or at the next one when there is no number. */
static enum fov_code step_put(struct machine *m)
{
    const size_t width = m->argument;
    struct pool *const memo = &m->p->memo;
    const struct pool *const stack = &m->p->stack;
    uint64_t i = memo->n;
    if (width && !take_number(m, width, &i))
        return ends(m);
    if (i >= FOV_PICKLE_MAX_ITEMS)
        return too_many(m, "places in its memo", FOV_PICKLE_MAX_ITEMS);
    if (stack->n <= bottom(m->p))
        return damaged(m, "keeps a value that is not there");
    while (memo->n <= i) {
        const enum fov_code rc = reserve(m, memo, sizeof(struct fov_pickle_value),
                                         FOV_PICKLE_MAX_ITEMS, "places in its memo");
        if (rc)
            return rc;
        values(memo)[memo->n++] = (struct fov_pickle_value){.kind = FOV_PICKLE_NONE};
    }
    values(memo)[i] = values(stack)[stack->n - 1];
    return FOV_OK;
}

static enum fov_code step_get(struct machine *m)
{
    const size_t width = m->argument;
    uint64_t i;
    if (!take_number(m, width, &i))
        return ends(m);
    if (i >= m->p->memo.n)
        return damaged(m, "uses a value that it has not kept");
    return push(m, values(&m->p->memo)[i]);
}

static enum fov_code make_tuple(struct machine *m, size_t from)
{
    struct fov_pickle_value tuple;
    enum fov_code rc;
    if ((rc = new_box(m, FOV_PICKLE_TUPLE, &tuple)) || (rc = append_from(m, tuple, from)))
        return rc;
    return push(m, tuple);
}

/* Of the values above the last mark. */
static enum fov_code step_tuple(struct machine *m)
{
    size_t from;
    const enum fov_code rc = pop_mark(m, &from);
    return rc ? rc : make_tuple(m, from);
}

/* Of the last `n` values. */
static enum fov_code step_tuple_of(struct machine *m)
{
    const size_t n = m->argument;
    if (m->p->stack.n < bottom(m->p) + n)
        return damaged(m, "takes a value that is not there");
    return make_tuple(m, m->p->stack.n - n);
}

/* The values from `from` on go to the container below them. */
static enum fov_code append_below(struct machine *m, size_t from, enum fov_pickle_kind kind)
{
    const struct pool *const stack = &m->p->stack;
    if (from <= bottom(m->p) || values(stack)[from - 1].kind != kind)
        return damaged(m, "adds to a value that is not there");
    if (kind == FOV_PICKLE_DICT && (stack->n - from) % 2)
        return damaged(m, "has a key without a value");
    return append_from(m, values(stack)[from - 1], from);
}

/* All above the last mark. */
static enum fov_code step_append_many(struct machine *m)
{
    size_t from;
    const enum fov_code rc = pop_mark(m, &from);
    return rc ? rc : append_below(m, from, (enum fov_pickle_kind)m->argument);
}

/* The last one, or the last key and value. */
static enum fov_code step_append(struct machine *m)
{
    const enum fov_pickle_kind kind = (enum fov_pickle_kind)m->argument;
    const size_t n = kind == FOV_PICKLE_DICT ? 2 : 1;
    if (m->p->stack.n < bottom(m->p) + n)
        return damaged(m, "takes a value that is not there");
    return append_below(m, m->p->stack.n - n, kind);
}

/* The identity of a storage, a tuple that pth.c reads. */
static enum fov_code step_storage(struct machine *m)
{
    struct pool *const storages = &m->p->storages;
    struct fov_pickle_value v;
    enum fov_code rc;
    if ((rc = pop_kind(m, FOV_PICKLE_TUPLE, &v)) ||
        (rc = reserve(m, storages, sizeof(v), FOV_PICKLE_MAX_ITEMS, "storages")))
        return rc;
    v.kind = FOV_PICKLE_STORAGE;
    values(storages)[storages->n++] = v;
    return push(m, v);
}

/* OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it. */
static enum fov_code build_dict(struct machine *m, struct fov_pickle_value arguments)
{
    struct fov_pickle_value dict, list, pair, items[2];
    enum fov_code rc;

    if ((rc = new_box(m, FOV_PICKLE_DICT, &dict)))
        return rc;
    if (!fov_pickle_items(m->p, arguments, 1, &list))
        return push(m, dict);
    if (list.kind != FOV_PICKLE_LIST)
        return damaged(m, "takes one kind of value for another");
    for (uint32_t at = fov_pickle_first(m->p, list); fov_pickle_next(m->p, &at, &pair);) {
        if (fov_pickle_items(m->p, pair, 2, items) != 2)
            return damaged(m, "has a key without a value");
        if ((rc = append(m, dict, items[0])) || (rc = append(m, dict, items[1])))
            return rc;
    }
    return push(m, dict);
}

/* The call of a function by its name: the few that are known here are carried out. */
static enum fov_code step_reduce(struct machine *m)
{
    struct fov_pickle_value arguments, name, first;
    enum fov_code rc;
    if ((rc = pop_kind(m, FOV_PICKLE_TUPLE, &arguments)) ||
        (rc = pop_kind(m, FOV_PICKLE_NAME, &name)))
        return rc;
    switch (name.n_bytes) {
    case ORDERED_DICT:
        return build_dict(m, arguments);
    case REBUILD_TENSOR:
        arguments.kind = FOV_PICKLE_TENSOR;
        return push(m, arguments);
    case REBUILD_PARAMETER:
        if (!fov_pickle_items(m->p, arguments, 1, &first) || first.kind != FOV_PICKLE_TENSOR)
            return damaged(m, "makes a parameter of something else than a tensor");
        return push(m, first);
    default:
        return damaged(m, "calls a type of storage");
    }
}

/* Attributes of an OrderedDict: PyTorch keeps the versions of modules there, which say nothing. */
static enum fov_code step_build(struct machine *m)
{
    struct fov_pickle_value state, object;
    enum fov_code rc;
    if ((rc = pop(m, &state)) || (rc = pop_kind(m, FOV_PICKLE_DICT, &object)))
        return rc;
    return push(m, object);
}

static enum fov_code step_mark(struct machine *m)
{
    struct pool *const marks = &m->p->marks;
    const enum fov_code rc =
        reserve(m, marks, sizeof(size_t), FOV_PICKLE_MAX_NESTED, "levels of nesting");
    if (rc)
        return rc;
    ((size_t *)marks->at)[marks->n++] = m->p->stack.n;
    return FOV_OK;
}

static enum fov_code step_pop(struct machine *m)
{
    struct fov_pickle_value v;
    return pop(m, &v);
}

static enum fov_code step_pop_mark(struct machine *m)
{
    return pop_mark(m, &m->p->stack.n);
}

static enum fov_code step_none(struct machine *m)
{
    return push_integer(m, FOV_PICKLE_NONE, 0);
}

static enum fov_code step_bool(struct machine *m)
{
    return push_integer(m, FOV_PICKLE_BOOL, (int64_t)m->argument);
}

static enum fov_code step_integer(struct machine *m)
{
    const size_t width = m->argument;
    uint64_t n;
    if (!take_number(m, width, &n))
        return ends(m);
    return push_integer(m, FOV_PICKLE_INT, width == 4 ? (int32_t)n : (int64_t)n);
}

static enum fov_code step_empty(struct machine *m)
{
    struct fov_pickle_value v;
    const enum fov_code rc = new_box(m, (enum fov_pickle_kind)m->argument, &v);
    return rc ? rc : push(m, v);
}

/* Numbers that may be passed over: the protocol's version, the length of a frame. */
static enum fov_code step_over(struct machine *m)
{
    const size_t width = m->argument;
    uint64_t n;
    return take_number(m, width, &n) ? FOV_OK : ends(m);
}

/* What a network can be written with. The names are those of pickletools; one without a function
 * is refused by its name. */
static const struct {
    const char *name;
    enum fov_code (*step)(struct machine *m);
    size_t argument;
} instructions[256] = {
    ['('] = {"MARK", step_mark, 0},
    ['.'] = {"STOP", NULL, 0}, /* see run() */
    ['0'] = {"POP", step_pop, 0},
    ['1'] = {"POP_MARK", step_pop_mark, 0},
    ['2'] = {"DUP", NULL, 0},
    ['B'] = {"BINBYTES", NULL, 0},
    ['C'] = {"SHORT_BINBYTES", NULL, 0},
    ['F'] = {"FLOAT", NULL, 0},
    ['G'] = {"BINFLOAT", step_float, 0},
    ['I'] = {"INT", NULL, 0},
    ['J'] = {"BININT", step_integer, 4},
    ['K'] = {"BININT1", step_integer, 1},
    ['L'] = {"LONG", NULL, 0},
    ['M'] = {"BININT2", step_integer, 2},
    ['N'] = {"NONE", step_none, 0},
    ['P'] = {"PERSID", NULL, 0},
    ['Q'] = {"BINPERSID", step_storage, 0},
    ['R'] = {"REDUCE", step_reduce, 0},
    ['S'] = {"STRING", NULL, 0},
    ['T'] = {"BINSTRING", step_text, 4},
    ['U'] = {"SHORT_BINSTRING", step_text, 1},
    ['V'] = {"UNICODE", NULL, 0},
    ['X'] = {"BINUNICODE", step_text, 4},
    [']'] = {"EMPTY_LIST", step_empty, FOV_PICKLE_LIST},
    ['a'] = {"APPEND", step_append, FOV_PICKLE_LIST},
    ['b'] = {"BUILD", step_build, 0},
    ['c'] = {"GLOBAL", step_global, 0},
    ['d'] = {"DICT", NULL, 0},
    ['e'] = {"APPENDS", step_append_many, FOV_PICKLE_LIST},
    ['g'] = {"GET", NULL, 0},
    ['h'] = {"BINGET", step_get, 1},
    ['i'] = {"INST", NULL, 0},
    ['j'] = {"LONG_BINGET", step_get, 4},
    ['l'] = {"LIST", NULL, 0},
    ['o'] = {"OBJ", NULL, 0},
    ['p'] = {"PUT", NULL, 0},
    ['q'] = {"BINPUT", step_put, 1},
    ['r'] = {"LONG_BINPUT", step_put, 4},
    ['s'] = {"SETITEM", step_append, FOV_PICKLE_DICT},
    ['t'] = {"TUPLE", step_tuple, 0},
    ['u'] = {"SETITEMS", step_append_many, FOV_PICKLE_DICT},
    ['}'] = {"EMPTY_DICT", step_empty, FOV_PICKLE_DICT},
    [')'] = {"EMPTY_TUPLE", step_empty, FOV_PICKLE_TUPLE},
    [0x80] = {"PROTO", step_over, 1},
    [0x81] = {"NEWOBJ", NULL, 0},
    [0x82] = {"EXT1", NULL, 0},
    [0x83] = {"EXT2", NULL, 0},
    [0x84] = {"EXT4", NULL, 0},
    [0x85] = {"TUPLE1", step_tuple_of, 1},
    [0x86] = {"TUPLE2", step_tuple_of, 2},
    [0x87] = {"TUPLE3", step_tuple_of, 3},
    [0x88] = {"NEWTRUE", step_bool, 1},
    [0x89] = {"NEWFALSE", step_bool, 0},
    [0x8a] = {"LONG1", step_long, 1},
    [0x8b] = {"LONG4", step_long, 4},
    [0x8c] = {"SHORT_BINUNICODE", step_text, 1},
    [0x8d] = {"BINUNICODE8", NULL, 0},
    [0x8e] = {"BINBYTES8", NULL, 0},
    [0x8f] = {"EMPTY_SET", NULL, 0},
    [0x90] = {"ADDITEMS", NULL, 0},
    [0x91] = {"FROZENSET", NULL, 0},
    [0x92] = {"NEWOBJ_EX", NULL, 0},
    [0x93] = {"STACK_GLOBAL", step_stack_global, 0},
    [0x94] = {"MEMOIZE", step_put, 0},
    [0x95] = {"FRAME", step_over, 8},
    [0x96] = {"BYTEARRAY8", NULL, 0},
    [0x97] = {"NEXT_BUFFER", NULL, 0},
    [0x98] = {"READONLY_BUFFER", NULL, 0},
};

static enum fov_code refuse(const struct machine *m, unsigned char opcode)
{
    const char *const name = instructions[opcode].name;
    if (!name)
        return fov_fail(m->err, FOV_EMODEL, "%s: its pickle has the unknown instruction 0x%02x",
                        m->file, (unsigned)opcode);
    return fov_fail(m->err, FOV_EMODEL,
                    "%s: its pickle uses the instruction %s, which torch.save() has no need of for "
                    "tensors",
                    m->file, name);
}

static enum fov_code run(struct machine *m)
{
    for (size_t n = 0; n < FOV_PICKLE_MAX_STEPS; n++) {
        if (m->at == m->end)
            return ends(m);
        const unsigned char opcode = *m->at++;
        if (opcode == '.')
            return m->p->stack.n == 1 && !m->p->marks.n ? FOV_OK
                                                        : damaged(m, "does not end with one value");
        if (!instructions[opcode].step)
            return refuse(m, opcode);
        m->argument = instructions[opcode].argument;
        const enum fov_code rc = instructions[opcode].step(m);
        if (rc)
            return rc;
    }
    return too_many(m, "instructions", FOV_PICKLE_MAX_STEPS);
}

/* ---- open, close, look ------------------------------------------------------------------- */

static void close_at(struct fov_pickle **pickle)
{
    fov_pickle_close(*pickle);
}

void fov_pickle_close(struct fov_pickle *pickle)
{
    if (!pickle)
        return;
    fov_free(pickle->stack.at);
    fov_free(pickle->marks.at);
    fov_free(pickle->memo.at);
    fov_free(pickle->cells.at);
    fov_free(pickle->boxes.at);
    fov_free(pickle->storages.at);
    fov_free(pickle);
}

enum fov_code fov_pickle_open(const unsigned char *data, size_t bytes, const char *file,
                              struct fov_pickle **ret_pickle, size_t *ret_used, struct fov_err *err)
{
    FOV_AUTO(close_at) struct fov_pickle *p = fov_calloc(1, sizeof(*p));
    struct machine m = {.p = p, .at = data, .end = data + bytes, .file = file, .err = err};
    enum fov_code rc;
    if (!p)
        return fov_fail(err, FOV_ENOMEM, "%s: no memory to read its pickle", file);
    if ((rc = reserve(&m, &p->cells, sizeof(struct cell), FOV_PICKLE_MAX_ITEMS, "items")))
        return rc;
    p->cells.n = 1; /* number 0 means none */
    if ((rc = run(&m)))
        return rc;
    *ret_used = (size_t)(m.at - data);
    *ret_pickle = FOV_STEAL(p);
    return FOV_OK;
}

struct fov_pickle_value fov_pickle_root(const struct fov_pickle *pickle)
{
    return values(&pickle->stack)[0];
}

uint32_t fov_pickle_first(const struct fov_pickle *pickle, struct fov_pickle_value value)
{
    if (value.kind < FOV_PICKLE_TUPLE)
        return 0;
    return ((const struct box *)pickle->boxes.at)[value.box].first;
}

bool fov_pickle_next(const struct fov_pickle *pickle, uint32_t *cursor,
                     struct fov_pickle_value *ret_item)
{
    if (!*cursor)
        return false;
    const struct cell *const cell = (const struct cell *)pickle->cells.at + *cursor;
    *ret_item = cell->value;
    *cursor = cell->next;
    return true;
}

size_t fov_pickle_items(const struct fov_pickle *pickle, struct fov_pickle_value value, size_t max,
                        struct fov_pickle_value *items)
{
    uint32_t at = fov_pickle_first(pickle, value);
    size_t n = 0;
    while (n < max && fov_pickle_next(pickle, &at, &items[n]))
        n++;
    return n;
}

size_t fov_pickle_n_storages(const struct fov_pickle *pickle)
{
    return pickle->storages.n;
}

struct fov_pickle_value fov_pickle_storage_at(const struct fov_pickle *pickle, size_t i)
{
    return values(&pickle->storages)[i];
}

bool fov_pickle_is_text(struct fov_pickle_value value, const char *text)
{
    return value.kind == FOV_PICKLE_TEXT && value.n_bytes == strlen(text) &&
           !memcmp(value.text, text, value.n_bytes);
}
