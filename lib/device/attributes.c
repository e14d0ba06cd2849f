/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See attributes.h. The table of names is fixed: what it refuses is refused whatever the
 * configuration and the state file say, because attribute-file.h checks each name again.
 *
 * The table needs no files that can only be written: an attribute that cannot be read is never
 * written, because it could not be set back. Nor does it need links (driver, physfn, subsystem):
 * attribute-file.h follows none.
 */

#include "attributes.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/pci-address.h"

#include <errno.h>
#include <string.h>

/* ---- names ---- */

#define DEVICES   "it makes or removes devices"
#define BINDS     "it binds drivers"
#define ACTS      "it acts on the device instead of keeping a value"
#define REGISTERS "it leads to the registers or the memory of the device"
#define FINDS     "vfalias chooses devices by it"

/* Source: Documentation/ABI/testing/sysfs-bus-pci and sysfs-bus-mdev of the kernel, and its
 * drivers/pci/pci-sysfs.c. Not in the table, because they keep a value and do no harm:
 * reset_method, d3cold_allowed, power/, link/, msi_bus, broken_parity_status. */
static const struct forbidden {
    const char *name; /* of the file, in any folder */
    bool prefix;      /* names that begin so */
    const char *reason;
} forbidden[] = {
    {"bind", false, BINDS},
    {"config", false, REGISTERS},
    {"create", false, DEVICES},
    {"delete", false, DEVICES},
    {"delete_device", false, DEVICES},
    {"driver_override", false, BINDS},
    {"enable", false, ACTS},
    {"new_device", false, DEVICES},
    {"new_id", false, BINDS},
    {"numa_node", false, FINDS},
    {"remove", false, DEVICES},
    {"remove_id", false, BINDS},
    {"rescan", false, DEVICES},
    {"reset", false, ACTS},
    {"reset_subordinate", false, ACTS},
    {"resource", true, REGISTERS},
    {"rom", false, REGISTERS},
    {"sriov_", true, DEVICES},
    {"uevent", false, ACTS},
    {"unbind", false, BINDS},
    {"vpd", false, REGISTERS},
};

static const char *find_forbidden(const char *file)
{
    for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
        const struct forbidden *f = &forbidden[i];

        if (f->prefix ? strncmp(file, f->name, strlen(f->name)) == 0 : strcmp(file, f->name) == 0)
            return f->reason;
    }
    return NULL;
}

static bool is_name_text(const char *name)
{
    for (const char *p = name; *p; p++) {
        if (*p <= ' ' || *p > '~')
            return false;
    }
    return true;
}

/* What is wrong with a part of a name, the text between two slashes; or NULL. */
static const char *check_name_part(const char *part)
{
    struct vfa_pci_addr addr;

    if (!*part)
        return "a folder or file without a name is in it";
    if (strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
        return "'.' and '..' are not allowed";
    if (vfa_parse_pci_addr(part, &addr) == 0)
        return "it belongs to another device";
    return NULL;
}

#define LIMIT_TEXT(n)   #n
#define NAME_LENGTH(n)  "a name of 1 to " LIMIT_TEXT(n) " bytes is wanted"
#define VALUE_LENGTH(n) "a value of up to " LIMIT_TEXT(n) " bytes is wanted"

const char *vfa_attribute_refusal(const char *name)
{
    char copy[VFA_ATTRIBUTE_NAME_MAX + 1], *rest = copy, *part, *file = copy;
    const char *wrong = NULL;

    if (!*name || strlen(name) > VFA_ATTRIBUTE_NAME_MAX)
        return NAME_LENGTH(VFA_ATTRIBUTE_NAME_MAX);
    if (!is_name_text(name))
        return "printable ASCII characters without blanks are wanted";
    if (*name == '/')
        return "a name relative to the folder of the device is wanted";
    strcpy(copy, name);
    while (!wrong && (part = strsep(&rest, "/"))) {
        wrong = check_name_part(part);
        file = part;
    }
    return wrong ? wrong : find_forbidden(file);
}

/* ---- values ---- */

const char *vfa_attribute_value_refusal(const char *value)
{
    if (strlen(value) > VFA_ATTRIBUTE_VALUE_MAX)
        return VALUE_LENGTH(VFA_ATTRIBUTE_VALUE_MAX);
    for (const char *p = value; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return "control characters are not allowed";
    }
    return NULL;
}

#define BLANKS " \t\n\v\f\r"

/* A part of a text. */
struct extent {
    const char *at;
    size_t len;
};

static struct extent strip_value(const char *text)
{
    struct extent e = {.at = text + strspn(text, BLANKS)};

    e.len = strlen(e.at);
    while (e.len > 0 && strchr(BLANKS, e.at[e.len - 1]))
        e.len--;
    return e;
}

static struct extent next_value_word(struct extent *rest)
{
    struct extent word = {.at = rest->at};

    while (word.len < rest->len && !strchr(BLANKS, word.at[word.len]))
        word.len++;
    *rest = (struct extent){word.at + word.len, rest->len - word.len};
    while (rest->len > 0 && strchr(BLANKS, *rest->at))
        *rest = (struct extent){rest->at + 1, rest->len - 1};
    return word;
}

static bool is_in_brackets(struct extent word)
{
    return word.len > 2 && word.at[0] == '[' && word.at[word.len - 1] == ']';
}

/* The word in brackets, without them, if there is exactly one; else all of it. */
static struct extent select_word(struct extent all)
{
    struct extent rest = all, found = all;
    unsigned n = 0;

    while (rest.len > 0) {
        struct extent word = next_value_word(&rest);

        if (!is_in_brackets(word))
            continue;
        found = (struct extent){word.at + 1, word.len - 2};
        n++;
    }
    return n == 1 ? found : all;
}

/* Decimal, or hexadecimal with 0x. Not with other zeros in front: the kernel takes them as octal. */
static bool read_number_value(struct extent e, uint32_t *ret)
{
    char text[16];

    if (e.len == 0 || e.len >= sizeof(text))
        return false;
    memcpy(text, e.at, e.len);
    text[e.len] = '\0';
    if (strncmp(text, "0x", 2) == 0)
        return vfa_parse_hex(text, UINT32_MAX, ret) == 0;
    return (e.len == 1 || text[0] != '0') && vfa_parse_u32(text, UINT32_MAX, ret) == 0;
}

bool vfa_attribute_same(const char *a, const char *b)
{
    struct extent x = select_word(strip_value(a)), y = select_word(strip_value(b));
    uint32_t m, n;

    if (read_number_value(x, &m) && read_number_value(y, &n))
        return m == n;
    while (x.len > 0 && y.len > 0) {
        struct extent v = next_value_word(&x), w = next_value_word(&y);

        if (v.len != w.len || memcmp(v.at, w.at, v.len) != 0)
            return false;
    }
    return x.len == 0 && y.len == 0;
}

void vfa_attribute_to_write(const char *value, char *ret)
{
    struct extent e = select_word(strip_value(value));

    memcpy(ret, e.at, e.len);
    ret[e.len] = '\0';
}

/* ---- lists ---- */

static void attribute_clear(struct vfa_attribute *attribute)
{
    free(attribute->name);
    free(attribute->value);
}

void vfa_attributes_free(struct vfa_attribute *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        attribute_clear(&items[i]);
    free(items);
}

void vfa_attributes_clear(struct vfa_attributes *attributes)
{
    vfa_attributes_free(attributes->items, attributes->n);
    *attributes = (struct vfa_attributes){NULL, 0};
}

const struct vfa_attribute *vfa_attributes_find(const struct vfa_attributes *attributes,
                                                const char *name)
{
    for (size_t i = 0; i < attributes->n; i++) {
        if (strcmp(attributes->items[i].name, name) == 0)
            return &attributes->items[i];
    }
    return NULL;
}

static int append_attribute(struct vfa_attributes *attributes, const char *name, const char *value,
                            struct vfa_error *err)
{
    struct vfa_attribute *item = vfa_array_grow(&attributes->items, attributes->n);

    if (!item)
        return vfa_fail_oom(err);
    *item = (struct vfa_attribute){strdup(name), strdup(value)};
    if (!item->name || !item->value) {
        attribute_clear(item);
        return vfa_fail_oom(err);
    }
    attributes->n++;
    return 0;
}

int vfa_attributes_set(struct vfa_attributes *attributes, const char *name, const char *value,
                       struct vfa_error *err)
{
    char *copy;

    for (size_t i = 0; i < attributes->n; i++) {
        struct vfa_attribute *item = &attributes->items[i];

        if (strcmp(item->name, name) != 0)
            continue;
        copy = strdup(value);
        if (!copy)
            return vfa_fail_oom(err);
        free(item->value);
        item->value = copy;
        return 0;
    }
    return append_attribute(attributes, name, value, err);
}

int vfa_attributes_merge(struct vfa_attributes *attributes, const struct vfa_attributes *over,
                         struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < over->n; i++)
        r = vfa_attributes_set(attributes, over->items[i].name, over->items[i].value, err);
    return r;
}

bool vfa_attributes_same(const struct vfa_attribute *a, size_t n_a, const struct vfa_attribute *b,
                         size_t n_b)
{
    bool same = n_a == n_b;

    for (size_t i = 0; same && i < n_a; i++)
        same = strcmp(a[i].name, b[i].name) == 0 && strcmp(a[i].value, b[i].value) == 0;
    return same;
}

/* ---- the text form ---- */

static char *format_value(const char *value, char *at)
{
    for (const char *p = value; *p; p++) {
        if (*p >= ' ' && *p <= '~' && *p != '\\')
            *at++ = *p;
        else
            at += sprintf(at, "\\x%02x", (unsigned char)*p);
    }
    return at;
}

int vfa_attributes_format(const struct vfa_attributes *attributes, char **ret,
                          struct vfa_error *err)
{
    size_t size = 1;
    char *text, *at;

    *ret = NULL;
    if (attributes->n == 0)
        return 0;
    for (size_t i = 0; i < attributes->n; i++)
        size += strlen(attributes->items[i].name) + 4 * strlen(attributes->items[i].value) + 2;
    text = at = malloc(size);
    if (!text)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < attributes->n; i++) {
        at = stpcpy(at, attributes->items[i].name);
        *at++ = ' ';
        at = format_value(attributes->items[i].value, at);
        *at++ = '\n';
    }
    *at = '\0';
    *ret = text;
    return 0;
}

/* Replaces each \xHH in place. False: another backslash, or a NUL. */
static bool unescape_value(char *value)
{
    char *to = value;

    for (const char *p = value; *p; to++) {
        int high, low;

        if (*p != '\\') {
            *to = *p++;
            continue;
        }
        high = p[1] == 'x' ? vfa_parse_digit(p[2], 16) : -1;
        low = high >= 0 ? vfa_parse_digit(p[3], 16) : -1;
        if (low < 0 || high * 16 + low == 0)
            return false;
        *to = (char)(high * 16 + low);
        p += 4;
    }
    *to = '\0';
    return true;
}

static int read_attribute_line(char *line, struct vfa_attributes *list, struct vfa_error *err)
{
    char *value = strchr(line, ' ');

    if (!value || value == line)
        return vfa_fail(err, EINVAL, "'%.60s' is no attribute", line);
    *value++ = '\0';
    if (!unescape_value(value))
        return vfa_fail(err, EINVAL, "the value of attribute '%.60s' cannot be read", line);
    return vfa_attributes_set(list, line, value, err);
}

int vfa_attributes_read(const char *text, struct vfa_attributes *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_attributes_clear) struct vfa_attributes list = {NULL, 0};
    VFA_AUTO(vfa_freep) char *copy = strdup(text ? text : "");
    char *rest = copy, *line;
    int r = copy ? 0 : vfa_fail_oom(err);

    while (r == 0 && (line = strsep(&rest, "\n"))) {
        if (*line)
            r = read_attribute_line(line, &list, err);
    }
    if (r < 0)
        return r;
    *ret = list;
    list = (struct vfa_attributes){NULL, 0};
    return 0;
}
