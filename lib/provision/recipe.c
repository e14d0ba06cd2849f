/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See recipe.h. A word without a value, or with a value that its key does not allow, is an error: a
 * device that was not made as the record says must not be used. */

#include "recipe.h"

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "base/parse.h"
#include "device/device.h"
#include "device/made-name.h"
#include "spec/spec.h"

#include <errno.h>
#include <string.h>

void vfa_recipe_clear(struct vfa_recipe *recipe)
{
    free(recipe->link);
    recipe->link = NULL;
}

/* ---- values ---- */

static bool is_plain(char c)
{
    return c > ' ' && c <= '~' && c != '%';
}

/* Returns the escaped value, or NULL: no memory. free() it. */
static char *escape(const char *value)
{
    char *text = malloc(3 * strlen(value) + 1), *end = text;

    for (; text && *value; value++) {
        if (is_plain(*value))
            *end++ = *value;
        else
            end += sprintf(end, "%%%02X", (unsigned)(unsigned char)*value);
    }
    if (text)
        *end = '\0';
    return text;
}

/* Returns the byte behind a percent sign; -1: no two digits, or 00. */
static int escaped_byte(const char *digits)
{
    int high = vfa_parse_digit(digits[0], 16);
    int low = high < 0 ? -1 : vfa_parse_digit(digits[1], 16);

    return low < 0 || (high == 0 && low == 0) ? -1 : high << 4 | low;
}

/* Replaces %XX in place. Returns false if the text is not escaped correctly. */
static bool unescape(char *text)
{
    char *end = text;

    for (; *text; text++) {
        int byte = *text == '%' ? escaped_byte(text + 1) : *text;

        if (byte < 0)
            return false;
        text += *text == '%' ? 2 : 0;
        *end++ = (char)byte;
    }
    *end = '\0';
    return true;
}

/* ---- keys ---- */

static bool read_maker(const char *value, struct vfa_recipe *recipe)
{
    if (!vfa_device_id_ok(value))
        return false;
    snprintf(recipe->maker, sizeof(recipe->maker), "%s", value);
    return true;
}

static bool read_mac(const char *value, struct vfa_recipe *recipe)
{
    return vfa_mac_parse(value, recipe->mac, NULL) == 0;
}

static bool read_u16(const char *value, uint16_t *ret)
{
    uint32_t number;

    if (vfa_parse_u32(value, UINT16_MAX, &number) < 0 || number == 0)
        return false;
    *ret = (uint16_t)number;
    return true;
}

static bool read_max_vqp(const char *value, struct vfa_recipe *recipe)
{
    return read_u16(value, &recipe->vdpa.max_vqp);
}

static bool read_mtu(const char *value, struct vfa_recipe *recipe)
{
    return read_u16(value, &recipe->vdpa.mtu);
}

static bool read_policy(const char *value, struct vfa_recipe *recipe)
{
    bool best_effort = strcmp(value, "best_effort") == 0;

    recipe->policy = best_effort ? VFA_SETTINGS_BEST_EFFORT : VFA_SETTINGS_REQUIRED;
    return best_effort || strcmp(value, "required") == 0;
}

static bool read_link(const char *value, struct vfa_recipe *recipe)
{
    free(recipe->link);
    recipe->link = *value == '/' ? strdup(value) : NULL;
    return recipe->link != NULL;
}

static bool read_node(const char *value, struct vfa_recipe *recipe)
{
    size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-");

    if (len == 0 || value[len] || len >= sizeof(recipe->node))
        return false;
    strcpy(recipe->node, value);
    return true;
}

static bool read_made(const char *value, struct vfa_recipe *recipe)
{
    return vfa_parse_bool(value, &recipe->made) == 0;
}

static const struct recipe_key {
    const char *name;
    bool (*read)(const char *value, struct vfa_recipe *recipe);
} recipe_keys[] = {
    {"maker", read_maker},   {"mac", read_mac},   {"max_vqp", read_max_vqp}, {"mtu", read_mtu},
    {"policy", read_policy}, {"link", read_link}, {"node", read_node},       {"made", read_made},
};

/* ---- the text ---- */

static bool read_word(char *word, struct vfa_recipe *recipe)
{
    char *value = strchr(word, '=');

    if (!value)
        return false;
    *value++ = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(recipe_keys); i++) {
        if (strcmp(recipe_keys[i].name, word) == 0)
            return unescape(value) && recipe_keys[i].read(value, recipe);
    }
    return true;
}

int vfa_recipe_parse(const char *text, const char *device, struct vfa_recipe *ret,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *copy = strdup(text);
    VFA_AUTO(vfa_recipe_clear) struct vfa_recipe recipe = {.policy = VFA_SETTINGS_REQUIRED};
    char *rest = copy, *word;

    if (!copy)
        return vfa_fail_oom(err);
    while ((word = strsep(&rest, " "))) {
        if (*word && !read_word(word, &recipe))
            return vfa_fail(err, EINVAL, "the record of how %s was made cannot be read: '%s'",
                            device, word);
    }
    if (!recipe.maker[0])
        return vfa_fail(err, EINVAL, "the record of how %s was made names no maker", device);
    *ret = recipe;
    recipe.link = NULL;
    return 0;
}

static void write_number(FILE *out, const char *name, unsigned value)
{
    if (value)
        fprintf(out, " %s=%u", name, value);
}

static void write_words(FILE *out, const struct vfa_recipe *recipe, const char *maker,
                        const char *link)
{
    fprintf(out, "maker=%s", maker);
    if (recipe->mac[0])
        fprintf(out, " mac=%s", recipe->mac);
    write_number(out, "max_vqp", recipe->vdpa.max_vqp);
    write_number(out, "mtu", recipe->vdpa.mtu);
    if (recipe->policy == VFA_SETTINGS_BEST_EFFORT)
        fputs(" policy=best_effort", out);
    if (link)
        fprintf(out, " link=%s", link);
    if (recipe->node[0])
        fprintf(out, " node=%s", recipe->node);
    if (recipe->made)
        fputs(" made=yes", out);
}

int vfa_recipe_format(const struct vfa_recipe *recipe, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *maker = escape(recipe->maker);
    VFA_AUTO(vfa_freep) char *link = recipe->link ? escape(recipe->link) : NULL;
    VFA_AUTO(vfa_freep) char *text = NULL;
    size_t len = 0;
    FILE *out = maker && (link || !recipe->link) ? open_memstream(&text, &len) : NULL;
    bool ok;

    if (!out)
        return vfa_fail_oom(err);
    write_words(out, recipe, maker, link);
    ok = !ferror(out);
    if (fclose(out) != 0 || !ok || !text)
        return vfa_fail_oom(err);
    *ret = vfa_steal(&text);
    return 0;
}

static bool same_link(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool vfa_recipe_same(const struct vfa_recipe *a, const struct vfa_recipe *b)
{
    return strcmp(a->maker, b->maker) == 0 && strcmp(a->mac, b->mac) == 0 &&
           a->vdpa.max_vqp == b->vdpa.max_vqp && a->vdpa.mtu == b->vdpa.mtu &&
           a->policy == b->policy && same_link(a->link, b->link);
}
