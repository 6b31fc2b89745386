/* SPDX-License-Identifier: Apache-2.0 */
/* test_pickle.c -- pickles of weights, and every way of asking for more than that. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

#include "net/pickle.h"
#include "tests/unit/out.h"

static enum fov_code read_bytes(const void *data, size_t bytes, struct fov_pickle **p, size_t *used,
                                struct fov_err *err)
{
    unsigned char *const copy = exactly(data, bytes);
    assert_non_null(copy);
    const enum fov_code rc = fov_pickle_open(copy, bytes, "m", p, used, err);
    fov_free(copy); /* only texts point into it */
    return rc;
}

static void assert_refused_bytes(const void *data, size_t bytes, const char *why)
{
    struct fov_pickle *p = NULL;
    struct fov_err err = {0};
    size_t used;
    assert_int_equal(read_bytes(data, bytes, &p, &used, &err), FOV_EMODEL);
    assert_string_equal(err.text, why);
    assert_null(p);
}

#define REFUSED(literal, why) assert_refused_bytes(literal, sizeof(literal) - 1, why)
#define DAMAGED(literal, why) REFUSED(literal, "m: its pickle " why ": it is truncated or damaged")
#define NO_NEED                                                                                    \
    ", which a network has no need of; only tensors, numbers, text and lists of them are read"

static const struct fov_pickle *open_good(const char *data, size_t bytes, struct fov_pickle **p)
{
    struct fov_err err = {0};
    size_t used;
    if (fov_pickle_open((const unsigned char *)data, bytes, "m", p, &used, &err))
        fail_msg("%s", err.text);
    assert_int_equal(used, bytes);
    return *p;
}

#define GOOD(literal, p) open_good(literal, sizeof(literal) - 1, p)

/* Each instruction that is known, in one list. */
static void values_are_read(void **state)
{
    struct fov_pickle_value v[32];
    struct fov_pickle *p;
    (void)state;
    GOOD("\x80\x04\x95\0\0\0\0\0\0\0\0](N\x88\x89"
         "J\xfe\xff\xff\xffK\xffM\xff\xff\x8a\0\x8a\1\xff\x8a\2\0\1\x8b\x08\0\0\0"
         "\xff\xff\xff\xff\xff\xff\xff\x7f"
         "G?\xf8\0\0\0\0\0\0X\3\0\0\0abc\x8c\1dU\1eT\1\0\0\0f)(K\1K\2t"
         "K\1\x85K\1K\2\x86K\1K\2K\3\x87}e.",
         &p);
    const struct fov_pickle_value root = fov_pickle_root(p);
    assert_int_equal(root.kind, FOV_PICKLE_LIST);
    assert_int_equal(fov_pickle_items(p, root, 32, v), 21);
    assert_int_equal(v[0].kind, FOV_PICKLE_NONE);
    assert_true(v[1].kind == FOV_PICKLE_BOOL && v[1].integer == 1);
    assert_true(v[2].kind == FOV_PICKLE_BOOL && v[2].integer == 0);
    static const int64_t integers[] = {-2, 255, 65535, 0, -1, 256, INT64_MAX};
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(v[3 + i].kind, FOV_PICKLE_INT);
        assert_true(v[3 + i].integer == integers[i]);
    }
    assert_true(v[10].kind == FOV_PICKLE_FLOAT && v[10].number == 1.5);
    assert_true(fov_pickle_is_text(v[11], "abc") && fov_pickle_is_text(v[12], "d"));
    assert_true(fov_pickle_is_text(v[13], "e") && fov_pickle_is_text(v[14], "f"));
    assert_false(fov_pickle_is_text(v[11], "ab") || fov_pickle_is_text(v[11], "abcd"));
    for (size_t i = 0; i < 5; i++) {
        struct fov_pickle_value item[4];
        static const size_t n[] = {0, 2, 1, 2, 3};
        assert_int_equal(v[15 + i].kind, FOV_PICKLE_TUPLE);
        assert_int_equal(fov_pickle_items(p, v[15 + i], 4, item), n[i]);
        assert_true(!n[i] || item[n[i] - 1].integer == (int64_t)n[i]);
    }
    assert_int_equal(v[20].kind, FOV_PICKLE_DICT);
    fov_pickle_close(p);
    fov_pickle_close(NULL);
}

static void containers_are_filled(void **state)
{
    struct fov_pickle_value v[8], pair[2];
    struct fov_pickle *p;
    (void)state;
    /* {"a": 1, "b": [2, 3], "c": <the same list>, "d": None} */
    GOOD("\x80\2}q\0X\1\0\0\0aK\1s(X\1\0\0\0b]r\1\0\0\0K\2a(K\3eX\1\0\0\0ch\1u\x8c\1d0"
         "X\1\0\0\0dNs.",
         &p);
    assert_int_equal(fov_pickle_items(p, fov_pickle_root(p), 8, v), 8);
    assert_true(fov_pickle_is_text(v[2], "b") && fov_pickle_is_text(v[6], "d"));
    assert_true(v[3].kind == FOV_PICKLE_LIST && v[3].box == v[5].box);
    assert_int_equal(fov_pickle_items(p, v[3], 2, pair), 2);
    assert_int_equal(pair[1].integer, 3);
    fov_pickle_close(p);

    /* the attributes of an OrderedDict, MEMOIZE, LONG_BINGET, POP and POP_MARK */
    GOOD("\x80\2ccollections\nOrderedDict\n\x94)R(NN1N0}U\1xj\0\0\0\0sb.", &p);
    assert_int_equal(fov_pickle_root(p).kind, FOV_PICKLE_DICT);
    assert_int_equal(fov_pickle_items(p, fov_pickle_root(p), 8, v), 0);
    fov_pickle_close(p);
}

static void lists_of_pairs_are_dictionaries(void **state)
{
    struct fov_pickle_value v[8];
    struct fov_pickle *p;
    (void)state;
    GOOD("ccollections\nOrderedDict\n](](U\1aK\1e(U\1bK\2te\x85R.", &p);
    assert_int_equal(fov_pickle_root(p).kind, FOV_PICKLE_DICT);
    assert_int_equal(fov_pickle_items(p, fov_pickle_root(p), 8, v), 4);
    assert_true(fov_pickle_is_text(v[2], "b") && v[3].integer == 2);
    fov_pickle_close(p);
    DAMAGED("ccollections\nOrderedDict\n](](U\1aee\x85R.", "has a key without a value");
    DAMAGED("ccollections\nOrderedDict\nK\1\x85R.", "takes one kind of value for another");
}

/* A tensor keeps what the file said of it; a parameter is its tensor. */
static void tensors_are_their_arguments(void **state)
{
    struct fov_pickle_value v[4], id[5];
    struct fov_pickle *p;
    (void)state;
    GOOD("\x80\2ctorch._utils\n_rebuild_parameter\nctorch._utils\n_rebuild_tensor_v2\n"
         "((U\7storageU\5torchU\x0bHalfStorage\x93U\1"
         "0U\3cpuK\4tQK\0K\4\x85K\1\x85tR\x88N\x87R.",
         &p);
    assert_int_equal(fov_pickle_root(p).kind, FOV_PICKLE_TENSOR);
    assert_int_equal(fov_pickle_items(p, fov_pickle_root(p), 4, v), 4);
    assert_int_equal(v[0].kind, FOV_PICKLE_STORAGE);
    assert_int_equal(fov_pickle_items(p, v[0], 5, id), 5);
    assert_int_equal(id[1].kind, FOV_PICKLE_NAME);
    assert_string_equal(id[1].dtype, "F16");
    assert_int_equal(fov_pickle_n_storages(p), 1);
    assert_int_equal(fov_pickle_storage_at(p, 0).box, v[0].box);
    fov_pickle_close(p);
}

/* What a malicious pickle asks for, in the three ways of asking. */
static void other_names_are_refused(void **state)
{
    (void)state;
    REFUSED("\x80\2cos\nsystem\nX\2\0\0\0id\x85R.", "m: asks for os.system" NO_NEED);
    REFUSED("cposix\nsystem\n.", "m: asks for posix.system" NO_NEED);
    REFUSED("\x80\4\x8c\x08"
            "builtins\x8c\4eval\x93\x8c\1"
            "1\x85R.",
            "m: asks for builtins.eval" NO_NEED);
    REFUSED("c__builtin__\ngetattr\n.", "m: asks for __builtin__.getattr" NO_NEED);
    REFUSED("ctorch\nload\n.", "m: asks for torch.load" NO_NEED);
    REFUSED("ctorch._utils\n_rebuild_tensor_v22\n.",
            "m: asks for torch._utils._rebuild_tensor_v22" NO_NEED);
    REFUSED("ctorch._utils\n_rebuild_tensor_v\n.",
            "m: asks for torch._utils._rebuild_tensor_v" NO_NEED);
    REFUSED("ccollections\nOrderedDict.fromkeys\n.",
            "m: asks for collections.OrderedDict.fromkeys" NO_NEED);
    REFUSED("ccollections\nordereddict\n.", "m: asks for collections.ordereddict" NO_NEED);
    REFUSED("c\n\n.", "m: asks for ." NO_NEED);
    REFUSED("c__torch__.basicsr.archs.rrdbnet_arch.a.very.long.name.that.does.not.end.for.a.very."
            "long.time\nRRDBNet\n.",
            "m: asks for __torch__.basicsr.archs.rrdbnet_arch.a.very.long.name.that.does.not.end."
            "for.a.ve.RRDBNet" NO_NEED);
}

static void other_instructions_are_refused(void **state)
{
    static const struct {
        const char *opcode, *name;
    } known[] = {
        {"i", "INST"},
        {"o", "OBJ"},
        {"\x81", "NEWOBJ"},
        {"\x92", "NEWOBJ_EX"},
        {"\x82", "EXT1"},
        {"\x83", "EXT2"},
        {"\x84", "EXT4"},
        {"2", "DUP"},
        {"P", "PERSID"},
        {"S", "STRING"},
        {"V", "UNICODE"},
        {"I", "INT"},
        {"L", "LONG"},
        {"F", "FLOAT"},
        {"d", "DICT"},
        {"l", "LIST"},
        {"p", "PUT"},
        {"g", "GET"},
        {"B", "BINBYTES"},
        {"C", "SHORT_BINBYTES"},
        {"\x8f", "EMPTY_SET"},
        {"\x90", "ADDITEMS"},
        {"\x91", "FROZENSET"},
        {"\x8d", "BINUNICODE8"},
        {"\x8e", "BINBYTES8"},
        {"\x96", "BYTEARRAY8"},
        {"\x97", "NEXT_BUFFER"},
        {"\x98", "READONLY_BUFFER"},
    };
    char why[200];
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(known); i++) {
        (void)snprintf(why, sizeof(why),
                       "m: its pickle uses the instruction %s, which torch.save() has no need of "
                       "for tensors",
                       known[i].name);
        assert_refused_bytes(known[i].opcode, 1, why);
    }
    REFUSED("\xff.", "m: its pickle has the unknown instruction 0xff");
    REFUSED("\0.", "m: its pickle has the unknown instruction 0x00");
}

static void machines_are_not_led_astray(void **state)
{
    (void)state;
    DAMAGED("", "ends in the middle");
    DAMAGED("N", "ends in the middle");
    DAMAGED("X\2\0\0\0a", "ends in the middle");
    DAMAGED("X\xff\xff\xff\xff"
            "a.",
            "ends in the middle");
    DAMAGED("\x8b\xff\xff\xff\xff.", "ends in the middle");
    DAMAGED("cos\n", "ends in the middle");
    DAMAGED(".", "does not end with one value");
    DAMAGED("NN.", "does not end with one value");
    DAMAGED("(N.", "does not end with one value");
    DAMAGED("0.", "takes a value that is not there");
    DAMAGED("N(0.", "takes a value that is not there");
    DAMAGED("N(\x85.", "takes a value that is not there");
    DAMAGED("a.", "takes a value that is not there");
    DAMAGED("]a.", "adds to a value that is not there");
    DAMAGED("](NNs.", "adds to a value that is not there");
    DAMAGED(")(Ne.", "adds to a value that is not there");
    DAMAGED("]NNs.", "adds to a value that is not there");
    DAMAGED("(Ne.", "adds to a value that is not there");
    DAMAGED("}(Nu.", "has a key without a value");
    DAMAGED("t.", "ends a list that it has not begun");
    DAMAGED("1.", "ends a list that it has not begun");
    DAMAGED("q\0.", "keeps a value that is not there");
    DAMAGED("N(q\0.", "keeps a value that is not there");
    DAMAGED("h\0.", "uses a value that it has not kept");
    DAMAGED("Nq\0j\1\0\0\0.", "uses a value that it has not kept");
    DAMAGED("N)R.", "takes one kind of value for another");
    DAMAGED("ccollections\nOrderedDict\nNR.", "takes one kind of value for another");
    DAMAGED("ctorch\nFloatStorage\n)R.", "calls a type of storage");
    DAMAGED("ctorch._utils\n_rebuild_parameter\n)R.",
            "makes a parameter of something else than a tensor");
    DAMAGED("ctorch._utils\n_rebuild_parameter\nN\x85R.",
            "makes a parameter of something else than a tensor");
    DAMAGED("NQ.", "takes one kind of value for another");
    DAMAGED("]Nb.", "takes one kind of value for another");
    DAMAGED("NN\x93.", "takes one kind of value for another");
    REFUSED("\x8a\x09\0\0\0\0\0\0\0\0\1.",
            "m: its pickle has an integer of 9 bytes; the limit is 8");
}

/* A list that holds itself is as good as any other. */
static void circles_are_harmless(void **state)
{
    struct fov_pickle_value v[2];
    struct fov_pickle *p;
    (void)state;
    GOOD("]q\0h\0a.", &p);
    assert_int_equal(fov_pickle_items(p, fov_pickle_root(p), 2, v), 1);
    assert_int_equal(v[0].box, fov_pickle_root(p).box);
    fov_pickle_close(p);
}

/* `n` times `what` between `head` and `tail`. */
static void assert_bomb(const char *head, const char *what, size_t n, const char *why)
{
    const size_t bytes = strlen(what), first = strlen(head);
    unsigned char *const data = fov_calloc(first + n * bytes + 1, 1);
    struct fov_pickle *p = NULL;
    struct fov_err err = {0};
    size_t used;
    assert_non_null(data);
    memcpy(data, head, first);
    for (size_t i = 0; i < n; i++)
        memcpy(data + first + i * bytes, what, bytes);
    data[first + n * bytes] = '.';
    assert_int_equal(fov_pickle_open(data, first + n * bytes + 1, "m", &p, &used, &err),
                     FOV_EMODEL);
    assert_string_equal(err.text, why);
    assert_null(p);
    fov_free(data);
}

static void bombs_are_defused(void **state)
{
    (void)state;
    assert_bomb("", "(", 1000, "m: its pickle has more than 256 levels of nesting");
    assert_bomb("", "N", 70000, "m: its pickle has more than 65536 values at a time");
    assert_bomb("", "N0", 1100000, "m: its pickle has more than 2097152 instructions");
    assert_bomb("",
                "NNN\x87"
                "0",
                349526, "m: its pickle has more than 1048576 items");
    assert_bomb("", "]0", 1048577, "m: its pickle has more than 2097152 instructions");
    assert_bomb("N", "\x94", 1048577, "m: its pickle has more than 1048576 places in its memo");
    REFUSED("Nr\xff\xff\xff\xff.", "m: its pickle has more than 1048576 places in its memo");
    REFUSED("Nr\0\0\x10\0.", "m: its pickle has more than 1048576 places in its memo");
    /* a list of 1000 pairs, made a dictionary 1000 times with four bytes each */
    struct out *const o = fov_calloc(1, sizeof(*o));
    assert_non_null(o);
    PUT(o, "ccollections\nOrderedDict\nq\0](");
    for (int i = 0; i < 1000; i++)
        PUT(o, "NN\x86");
    PUT(o, "e\x85q\1"
           "0");
    for (int i = 0; i < 1000; i++)
        PUT(o, "h\0h\1R0");
    PUT(o, "N.");
    assert_refused_bytes(o->at, o->n, "m: its pickle has more than 1048576 items");
    fov_free(o);
}

static const char whole[] =
    "\x80\2ccollections\nOrderedDict\nq\0)Rq\1(X\6\0\0\0weightq\2ctorch._utils\n"
    "_rebuild_tensor_v2\nq\3((X\7\0\0\0storageq\4ctorch\nFloatStorage\nq\5X\1\0\0\0"
    "0q\6X\3\0\0\0cpuq\7K\x04tq\x08QK\0(K\2K\2tq\x09(K\2K\1tq\x0a\x89h\0)Rq\x0btq\x0cRq\x0d"
    "\x8c\1x\x8a\2\0\1\x8c\1yG\0\0\0\0\0\0\0\0\x8c\1z]q\x0eM\0\1a\x8c\1wJ\0\0\0\0u}"
    "X\1\0\0\0vNsb.";

static void truncations_are_found(void **state)
{
    struct fov_pickle *p = NULL;
    struct fov_err err;
    size_t used;
    (void)state;
    GOOD(whole, &p);
    fov_pickle_close(p);
    p = NULL;
    for (size_t cut = 0; cut < sizeof(whole) - 1; cut++) {
        err = (struct fov_err){0};
        assert_int_equal(read_bytes(whole, cut, &p, &used, &err), FOV_EMODEL);
        assert_string_equal(err.text,
                            "m: its pickle ends in the middle: it is truncated or damaged");
        assert_null(p);
    }
    /* what follows is not looked at */
    assert_int_equal(read_bytes("N.cos\n", 6, &p, &used, NULL), FOV_OK);
    assert_int_equal(used, 2);
    fov_pickle_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(containers_are_filled),
        cmocka_unit_test(lists_of_pairs_are_dictionaries),
        cmocka_unit_test(tensors_are_their_arguments),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(other_instructions_are_refused),
        cmocka_unit_test(machines_are_not_led_astray),
        cmocka_unit_test(circles_are_harmless),
        cmocka_unit_test(bombs_are_defused),
        cmocka_unit_test(truncations_are_found),
    };
    return cmocka_run_group_tests_name("pickle", tests, NULL, NULL);
}
