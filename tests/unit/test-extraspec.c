/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "qat:2,gpu:1". */

#include "base/common.h"
#include "base/error.h"
#include "domain/extraspec.h"
#include "check.h"

#include <errno.h>

static const struct {
    const char *text;
    /* "ALIAS*COUNT " for each item, with "?" behind a count that is not in the text; or "!" and a
     * part of the error */
    const char *result;
} cases[] = {
    {"qat", "qat*1? "},
    {" qat\t", "qat*1? "},
    {"Quick Assist", "Quick Assist*1? "},
    {"qat:1", "qat*1 "},
    {"qat:2,gpu:1", "qat*2 gpu*1 "},
    {"qat:2 , gpu : 1", "qat*2 gpu*1 "},
    {" qat : 2 ", "qat*2 "},
    {"a:1,a:2,a:3", "a*1 a*2 a*3 "},
    {"a:256", "a*256 "},
    {"a:007", "a*7 "},
    {"\xc2\xa0\xe2\x80\x83qat\xe3\x80\x80:\xc2\xa0"
     "2",
     "qat*2 "}, /* blanks of Unicode */
    {"a.b/c=d:2", "a.b/c=d*2 "},
    /* refused, as Nova does */
    {"", "!at '': an alias is missing"},
    {" ", "!an alias is missing"},
    {",", "!an alias is missing"},
    {"a:1,", "!at '': an alias is missing"},
    {",a:1", "!an alias is missing"},
    {"a:1,,b:1", "!an alias is missing"},
    {":1", "!at ':1': an alias is missing"},
    {" :1", "!an alias is missing"},
    {"a,b", "!at 'a': each item of a list must be ALIAS:COUNT"},
    {"a:1,b", "!at 'b': each item of a list must be ALIAS:COUNT"},
    {"a,b:1", "!at 'a': each item of a list must be ALIAS:COUNT"},
    {"a:b:1", "!at 'a:b:1': the count behind ':' is not in 1 to 256"},
    {"a:1:1", "!the count behind ':'"},
    {"a:", "!the count behind ':'"},
    {"a: ", "!the count behind ':'"},
    {"a:x", "!cannot read 'a:x' at 'a:x': the count"},
    {"a:1 2", "!the count behind ':'"},
    {"a:1.0", "!the count behind ':'"},
    {"a:-1", "!the count behind ':'"},
    /* Nova's code accepts these, but the check of its API refuses them, or they make no sense */
    {"a:0", "!the count behind ':'"},
    {"a:+1", "!the count behind ':'"},
    {"a:1_0", "!the count behind ':'"},
    {"a:257", "!the count behind ':'"},
    {"a:99999999999999999999", "!the count behind ':'"},
    {"a:\xd9\xa1", "!the count behind ':'"}, /* a digit of another script */
};

static void check_case(size_t i)
{
    VFA_AUTO(vfa_extraspec_clear) struct vfa_extraspec spec = {NULL, 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    char got[256] = "";
    int r = vfa_extraspec_parse(cases[i].text, &spec, &err);

    if (*cases[i].result == '!') {
        CHECK(r == -EINVAL && check_has(&err, cases[i].result + 1), "%zu: %s", i,
              r < 0 ? vfa_error_text(&err) : "no error");
        CHECK(spec.items == NULL, "%zu", i);
        return;
    }
    CHECK(r == 0, "%zu: %s", i, r < 0 ? vfa_error_text(&err) : "");
    for (size_t j = 0; j < spec.n; j++) {
        size_t used = strlen(got);

        snprintf(got + used, sizeof(got) - used, "%s*%u%s ", spec.items[j].alias,
                 (unsigned)spec.items[j].count, spec.items[j].counted ? "" : "?");
    }
    CHECK(strcmp(got, cases[i].result) == 0, "%zu: %s", i, got);
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_case(i);
    return check_result();
}
