/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Address patterns of a device_spec: the string with wildcards, and the object of regular
 * expressions.
 *
 * A pattern that names exactly one device also names the VFs of that device if it is a PF. The text
 * alone decides "exactly one": all four fields of a string are numbers, or all four expressions are
 * literal fields as in sysfs.
 *
 * Invariant: a compiled pattern is complete; matching cannot fail. This file must not use an
 * inventory: the device to match has its type and its parent. Source of the rules:
 * PciAddressGlobSpec, PciAddressRegexSpec and WhitelistPciAddress in Nova's nova/pci/devspec.py.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/pci-address.h"
#include "base/text.h"
#include "device/device.h"
#include "private.h"
#include "spec.h"

#include <errno.h>
#include <string.h>

enum {
    N_FIELDS = 4,
    FIELD_ANY = -1,
    FIELD_NONE = -2, /* a negative number: valid in Nova, matches no device */
};

static const struct {
    const char *name;
    int32_t max;
    int width; /* number of digits in sysfs */
} fields[N_FIELDS] = {
    {"domain", VFA_NOVA_DOMAIN_MAX, 4},
    {"bus", 0xff, 2},
    {"slot", 0x1f, 2},
    {"function", 7, 1},
};

struct vfa_address_pattern {
    bool single; /* names one device, and its VFs if it is a PF; `value` is its address */
    bool is_regex;
    int32_t value[N_FIELDS]; /* a number, FIELD_NONE, or FIELD_ANY (also for a real expression) */
    struct vfa_regex *regex[N_FIELDS]; /* if is_regex; NULL: any */
};

struct vfa_address_pattern *vfa_address_pattern_free(struct vfa_address_pattern *pattern)
{
    if (!pattern)
        return NULL;
    for (size_t i = 0; i < N_FIELDS; i++)
        vfa_regex_free(pattern->regex[i]);
    free(pattern);
    return NULL;
}

static struct vfa_address_pattern *new_pattern(void)
{
    struct vfa_address_pattern *pattern = calloc(1, sizeof(*pattern));

    for (size_t i = 0; pattern && i < N_FIELDS; i++)
        pattern->value[i] = FIELD_ANY;
    return pattern;
}

static void set_single(struct vfa_address_pattern *pattern)
{
    pattern->single = true;
    for (size_t i = 0; i < N_FIELDS; i++)
        pattern->single = pattern->single && pattern->value[i] >= 0;
}

/* Reads one field of a string. The caller has removed the blanks around it. */
static int read_field(size_t field, const char *text, int32_t *ret, struct vfa_error *err)
{
    int32_t value;

    if (strcmp(text, "*") == 0) {
        *ret = FIELD_ANY;
        return 0;
    }
    if (vfa_parse_python_hex(text, &value) < 0)
        return vfa_fail(err, EINVAL, "%s '%.200s' is neither a hexadecimal number nor '*'",
                        fields[field].name, text);
    if (value > fields[field].max)
        return vfa_fail(err, EINVAL, "%s '%.200s' is larger than %x", fields[field].name, text,
                        (unsigned)fields[field].max);
    *ret = value < 0 ? FIELD_NONE : value;
    return 0;
}

/* Returns a copy of text[0..len) without the blanks around it. */
static char *stripped(const char *text, size_t len)
{
    len = vfa_text_strip(&text, len);
    return strndup(text, len);
}

/* Reads "DOMAIN:BUS:SLOT". Fields on the left may be missing; any field may be empty. */
static int read_dbs(const char *text, size_t len, int32_t *values, struct vfa_error *err)
{
    const char *end = text + len;
    size_t n = 1, field;

    for (const char *p = text; p < end; p++)
        n += *p == ':';
    if (n > N_FIELDS - 1)
        return vfa_fail(err, EINVAL, "there are more than three fields in front of the function");
    for (field = N_FIELDS - 1 - n; field < N_FIELDS - 1; field++) {
        const char *colon = memchr(text, ':', (size_t)(end - text));
        VFA_AUTO(vfa_freep) char *one = stripped(text, (size_t)((colon ? colon : end) - text));
        int r = 0;

        if (!one)
            return vfa_fail_oom(err);
        if (*one)
            r = read_field(field, one, &values[field], err);
        if (r < 0)
            return r;
        text = colon ? colon + 1 : end;
    }
    return 0;
}

static int read_glob(const char *text, int32_t *values, struct vfa_error *err)
{
    const char *dot = strchrnul(text, '.');
    int r = 0;

    if (*dot && dot[1]) {
        VFA_AUTO(vfa_freep) char *function = stripped(dot + 1, strlen(dot + 1));

        if (!function)
            return vfa_fail_oom(err);
        r = read_field(N_FIELDS - 1, function, &values[N_FIELDS - 1], err);
    }
    if (r == 0 && dot > text)
        r = read_dbs(text, (size_t)(dot - text), values, err);
    return r;
}

int vfa_address_pattern_glob(const char *text, struct vfa_address_pattern **ret,
                             struct vfa_error *err)
{
    VFA_AUTO(vfa_address_pattern_freep) struct vfa_address_pattern *pattern = new_pattern();
    int r;

    if (!pattern)
        return vfa_fail_oom(err);
    r = read_glob(text, pattern->value, err);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return vfa_wrap(err, "cannot read address '%.200s'", text);
    set_single(pattern);
    *ret = vfa_steal(&pattern);
    return 0;
}

/* Whether the text is a literal field as in sysfs. Writes its value to *ret. */
static bool literal(size_t field, const char *text, int32_t *ret)
{
    uint32_t value;

    if (strlen(text) != (size_t)fields[field].width ||
        strspn(text, "0123456789abcdef") != strlen(text))
        return false;
    if (vfa_parse_hex(text, (uint32_t)fields[field].max, &value) < 0)
        return false;
    *ret = (int32_t)value;
    return true;
}

int vfa_address_pattern_regex(const char *domain, const char *bus, const char *slot,
                              const char *function, struct vfa_address_pattern **ret,
                              struct vfa_error *err)
{
    const char *texts[N_FIELDS] = {domain, bus, slot, function};
    VFA_AUTO(vfa_address_pattern_freep) struct vfa_address_pattern *pattern = new_pattern();

    if (!pattern)
        return vfa_fail_oom(err);
    pattern->is_regex = true;
    for (size_t i = 0; i < N_FIELDS; i++) {
        int r = texts[i] ? vfa_regex_compile(fields[i].name, texts[i], &pattern->regex[i], err) : 0;

        if (r < 0)
            return r;
        if (!texts[i] || !literal(i, texts[i], &pattern->value[i]))
            pattern->value[i] = FIELD_ANY;
    }
    set_single(pattern);
    *ret = vfa_steal(&pattern);
    return 0;
}

static void split(const struct vfa_pci_addr *addr, int32_t *values)
{
    values[0] = (int32_t)addr->domain; /* up to ffff: vfa_address_pattern_matches() */
    values[1] = addr->bus;
    values[2] = addr->slot;
    values[3] = addr->function;
}

static bool regex_matches(const struct vfa_address_pattern *pattern, const int32_t *values)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        char text[sizeof("ffffffff")];

        snprintf(text, sizeof(text), "%0*x", fields[i].width, (unsigned)values[i]);
        if (pattern->regex[i] && !vfa_regex_matches(pattern->regex[i], text))
            return false;
    }
    return true;
}

static bool value_matches(const struct vfa_address_pattern *pattern,
                          const struct vfa_pci_addr *addr)
{
    int32_t values[N_FIELDS];

    split(addr, values);
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (pattern->value[i] != FIELD_ANY && pattern->value[i] != values[i])
            return false;
    }
    return true;
}

bool vfa_address_pattern_matches(const struct vfa_address_pattern *pattern,
                                 const struct vfa_device *dev)
{
    int32_t values[N_FIELDS];

    if (dev->addr.domain > VFA_NOVA_DOMAIN_MAX)
        return false;
    if (pattern->single && dev->type == VFA_TYPE_VF && value_matches(pattern, &dev->parent))
        return true;
    if (!pattern->is_regex || pattern->single)
        return value_matches(pattern, &dev->addr);
    split(&dev->addr, values);
    return regex_matches(pattern, values);
}

bool vfa_address_pattern_is_any(const struct vfa_address_pattern *pattern)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (pattern->regex[i] || pattern->value[i] != FIELD_ANY)
            return false;
    }
    return true;
}

bool vfa_address_pattern_lacks_domain(const struct vfa_address_pattern *pattern)
{
    return pattern->value[0] == FIELD_ANY && pattern->value[1] >= 0 && pattern->value[2] >= 0 &&
           pattern->value[3] >= 0;
}
