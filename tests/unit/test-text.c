/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text: case without a locale, the blanks of Python, the length of a UTF-8 character. */

#include "base/common.h"
#include "base/text.h"
#include "check.h"

static const struct {
    const char *text, *stripped;
} blanks[] = {
    {"", ""},
    {" \t\n\v\f\r\x1c\x1f ", ""},
    {"a", "a"},
    {" a b ", "a b"},
    {"\u00a0\u3000a\u2009b\xc2\x85", "a\u2009b"},
    {"\u200bx", "\u200bx"}, /* a zero-width space is not a blank */
    {"\xe2\x80", "\xe2\x80"},
    {"\xc2", "\xc2"},
};

static void test_strip(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(blanks); i++) {
        const char *text = blanks[i].text;
        size_t len = vfa_text_strip(&text, strlen(text));

        CHECK(len == strlen(blanks[i].stripped) && !strncmp(text, blanks[i].stripped, len), "'%s'",
              blanks[i].text);
    }
}

static void test_case(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"", "", true},
        {"PCI", "pci", true},
        {"pCi", "PcI", true},
        {"pci", "pc", false},
        {"pc", "pci", false},
        {"@[`{", "`{@[", false},
        {"\xc4\xb0", "\xc4\xb0", true},
        {"\xc4", "\xe4", false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK(vfa_text_same(cases[i].a, cases[i].b) == cases[i].same, "'%s' '%s'", cases[i].a,
              cases[i].b);
    CHECK(vfa_text_is("Yes, no", 3, "yes") && !vfa_text_is("Yes, no", 4, "yes"), "a part of it");
}

static const struct {
    const char *text;
    size_t len; /* of the first character; 0: not UTF-8 */
} characters[] = {
    {"", 1},
    {"a", 1},
    {"\x7f", 1},
    {"\xc2\x80", 2},
    {"\xdf\xbf", 2},
    {"\xe0\xa0\x80", 3},
    {"\xed\x9f\xbf", 3},
    {"\xef\xbf\xbf", 3},
    {"\xf0\x90\x80\x80", 4},
    {"\xf4\x8f\xbf\xbf", 4},
    {"\x80", 0},             /* a continuation byte */
    {"\xc1\x81", 0},         /* an overlong form */
    {"\xe0\x9f\xbf", 0},     /* likewise */
    {"\xf0\x8f\xbf\xbf", 0}, /* likewise */
    {"\xed\xa0\x80", 0},     /* a surrogate */
    {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
    {"\xf5\x80\x80\x80", 0},
    {"\xc2", 0}, /* incomplete */
    {"\xe2\x80", 0},
    {"\xf0\x90\x80", 0},
    {"\xe2\x80"
     "a",
     0},
};

static void test_utf8(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(characters); i++) {
        size_t len = vfa_utf8_len(characters[i].text);

        CHECK(len == characters[i].len, "'%s' is %zu long", characters[i].text, len);
    }
}

int main(void)
{
    test_strip();
    test_case();
    test_utf8();
    return check_result();
}
