/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The older form of an alias:
 *
 *   NAME=capabilities:devices: (capability_type=pci &
 *       capability: (product_id=0x443 & vendor_id=0x8086), & device_type=ACCEL)
 *
 * The terms may be in any order, inside or outside the inner group. They are ANDed; '&', ',' or
 * both separate them. device_type is not Nova's device_type but a kind of device: it means PCI
 * classes (see `kinds`), and the alias has one choice per class.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "spec/spec.h"
#include "private.h"
#include "report.h"

#include <errno.h>
#include <string.h>

#define PREFIX   "capabilities"
#define MAX_WORD 31
#define MAX_NAME 256

struct kind {
    const char *name;
    struct {
        int64_t class;
        unsigned shift;
    } classes[3];
    size_t n;
};

/* Class codes of the PCI Code and ID Assignment Specification. QuickAssist has the class
 * co-processor (0b40), newer accelerators have class 12, cryptographic accelerators class 10. */
static const struct kind kinds[] = {
    {"NIC", {{0x02, 16}}, 1},
    {"GPU", {{0x03, 16}}, 1},
    {"ACCEL", {{0x12, 16}, {0x0b40, 8}, {0x10, 16}}, 3},
};

struct reader {
    const char *p;
    const char *name; /* of the alias, for messages; without NUL */
    int name_len;
    const struct vfa_where *where;
    int vendor, product;
    const struct kind *kind;
};

static void skip(struct reader *reader, const char *set)
{
    reader->p += strspn(reader->p, set);
}

static void skip_space(struct reader *reader)
{
    skip(reader, " \t\r\n");
}

static int fail_at(const struct reader *reader, const char *reason, struct vfa_error *err)
{
    return vfa_config_fail(reader->where, err, "cannot use alias '%.*s' at '%.20s': %s",
                           reader->name_len, reader->name, reader->p, reason);
}

/* Skips `text` and the blanks behind it. False: other text is there. */
static bool take_token(struct reader *reader, const char *text)
{
    size_t len = strlen(text);

    if (strncmp(reader->p, text, len) != 0)
        return false;
    reader->p += len;
    skip_space(reader);
    return true;
}

/* Reads a word up to a blank or punctuation, and skips the blanks behind it. May be "". */
static void take_word(struct reader *reader, char word[MAX_WORD + 1])
{
    size_t len = strcspn(reader->p, " \t\r\n&,()=:");

    snprintf(word, MAX_WORD + 1, "%.*s", (int)(len > MAX_WORD ? MAX_WORD : len), reader->p);
    reader->p += len;
    skip_space(reader);
}

static int set_id(struct reader *reader, int *id, const char *word, struct vfa_error *err)
{
    uint32_t value;

    if (*id != VFA_ID_ANY)
        return fail_at(reader, "an id is there twice", err);
    if (vfa_parse_hex(word, 0xffff, &value) < 0)
        return fail_at(reader, "an id is not a hexadecimal number up to ffff", err);
    *id = (int)value;
    return 0;
}

static int set_device_kind(struct reader *reader, const char *word, struct vfa_error *err)
{
    if (reader->kind)
        return fail_at(reader, "device_type is there twice", err);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(word, kinds[i].name) == 0)
            reader->kind = &kinds[i];
    }
    return reader->kind ? 0 : fail_at(reader, "device_type is none of NIC, GPU, ACCEL", err);
}

/* Reads KEY=VALUE. */
static int read_pair(struct reader *reader, struct vfa_error *err)
{
    char key[MAX_WORD + 1], word[MAX_WORD + 1];

    take_word(reader, key);
    if (!take_token(reader, "="))
        return fail_at(reader, "KEY=VALUE is expected", err);
    take_word(reader, word);
    if (strcmp(key, "vendor_id") == 0)
        return set_id(reader, &reader->vendor, word, err);
    if (strcmp(key, "product_id") == 0)
        return set_id(reader, &reader->product, word, err);
    if (strcmp(key, "device_type") == 0)
        return set_device_kind(reader, word, err);
    if (strcmp(key, "capability_type") == 0)
        return strcmp(word, "pci") == 0 ? 0 : fail_at(reader, "capability_type is not pci", err);
    return fail_at(
        reader,
        "an unknown key: capability_type, capability, vendor_id, product_id and device_type are known",
        err);
}

/* Reads "(TERM & TERM ...)". inner: the group behind "capability:", which cannot have a group. */
static int read_group(struct reader *reader, bool inner, struct vfa_error *err)
{
    int r = 0;

    if (!take_token(reader, "("))
        return fail_at(reader, "'(' is expected", err);
    while (r == 0 && !take_token(reader, ")")) {
        const char *term = reader->p;
        bool group = !inner && take_token(reader, "capability") && take_token(reader, ":");

        if (group) {
            r = read_group(reader, true, err);
        } else {
            reader->p = term;
            r = read_pair(reader, err);
        }
        term = reader->p;
        skip(reader, " \t\r\n&,");
        if (r == 0 && term == reader->p && *reader->p != ')')
            return fail_at(reader, "'&' or ')' is expected", err);
    }
    return r;
}

static int read_expression(struct reader *reader, struct vfa_error *err)
{
    int r;

    if (!take_token(reader, PREFIX) || !take_token(reader, ":") || !take_token(reader, "devices") ||
        !take_token(reader, ":"))
        return fail_at(reader, "'capabilities:devices:' is expected", err);
    r = read_group(reader, false, err);
    if (r < 0)
        return r;
    if (*reader->p)
        return fail_at(reader, "there is more text behind the last ')'", err);
    if (!reader->kind && (reader->vendor < 0 || reader->product < 0))
        return fail_at(reader, "vendor_id and product_id are wanted, or device_type instead", err);
    return 0;
}

static int make_choices(const struct reader *reader, struct vfa_alias *ret, struct vfa_error *err)
{
    size_t n = reader->kind ? reader->kind->n : 1;

    ret->name = strndup(reader->name, (size_t)reader->name_len);
    ret->choices = calloc(n, sizeof(*ret->choices));
    if (!ret->name || !ret->choices)
        return vfa_fail_oom(err);
    for (ret->n_choices = 0; ret->n_choices < n; ret->n_choices++) {
        struct vfa_alias_choice *choice = &ret->choices[ret->n_choices];

        choice->vendor = reader->vendor;
        choice->product = reader->product;
        choice->class = reader->kind ? reader->kind->classes[ret->n_choices].class : -1;
        choice->class_shift = reader->kind ? reader->kind->classes[ret->n_choices].shift : 0;
        choice->where = *reader->where;
    }
    return 0;
}

bool vfa_config_alias_is_epa(const char *text)
{
    const char *equal = strchr(text, '=');

    if (!equal || strcspn(text, "{[\"") < (size_t)(equal - text))
        return false;
    equal++;
    equal += strspn(equal, " \t\r\n");
    return strncmp(equal, PREFIX, strlen(PREFIX)) == 0;
}

int vfa_config_read_epa(const char *text, const struct vfa_where *where, struct vfa_alias *ret,
                        struct vfa_error *err)
{
    const char *equal = strchr(text, '=');
    struct reader reader = {
        .p = equal + 1, .where = where, .vendor = VFA_ID_ANY, .product = VFA_ID_ANY};
    size_t len = vfa_text_strip(&text, (size_t)(equal - text));
    int r;

    reader.name = text;
    reader.name_len = (int)(len < MAX_NAME ? len : MAX_NAME);
    skip_space(&reader);
    if (len < 1 || len > MAX_NAME)
        return fail_at(&reader, "a name of 1 to 256 bytes is wanted in front of '='", err);
    r = read_expression(&reader, err);
    return r < 0 ? r : make_choices(&reader, ret, err);
}
