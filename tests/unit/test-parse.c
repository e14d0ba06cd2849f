/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers and booleans: valid and, above all, invalid texts. */

#include "base/common.h"
#include "base/parse.h"
#include "check.h"

#define REFUSED UINT32_MAX

static const struct {
    const char *text;
    uint32_t max, value; /* REFUSED: *ret is untouched */
} decimals[] =
    {
        {"0", 9, 0},
        {"9", 9, 9},
        {"10", 9, REFUSED},
        {"007", 9, 7},
        {"", 9, REFUSED},
        {"-1", 9, REFUSED},
        {"+1", 9, REFUSED},
        {" 1", 9, REFUSED},
        {"1 ", 9, REFUSED},
        {"1\n", 9, REFUSED},
        {"0x1", 9, REFUSED},
        {"a", 99, REFUSED},
        {"1.0", 99, REFUSED},
        {"1_0", 99, REFUSED},
        {"4294967294", 4294967294u, 4294967294u},
        {"4294967296", 4294967295u, REFUSED},
        {"18446744073709551617", 4294967295u, REFUSED},
},
  hexadecimals[] = {
      {"0", 0xffff, 0},           {"8086", 0xffff, 0x8086},
      {"0x8086", 0xffff, 0x8086}, {"0X8086", 0xffff, 0x8086},
      {"ABcd", 0xffff, 0xabcd},   {"00ffff", 0xffff, 0xffff},
      {"10000", 0xffff, REFUSED}, {"", 0xffff, REFUSED},
      {"0x", 0xffff, REFUSED},    {"0x0x1", 0xffff, REFUSED},
      {"x1", 0xffff, REFUSED},    {"-1", 0xffff, REFUSED},
      {"8086h", 0xffff, REFUSED}, {" 1", 0xffff, REFUSED},
      {"1g", 0xffff, REFUSED},    {"fffffffffffffffff", 0xffff, REFUSED},
};

static void test_numbers(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(decimals); i++) {
        uint32_t value = REFUSED;
        int r = vfa_parse_u32(decimals[i].text, decimals[i].max, &value);

        CHECK(value == decimals[i].value, "decimal '%s'", decimals[i].text);
        CHECK((r == 0) == (decimals[i].value != REFUSED), "decimal '%s'", decimals[i].text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(hexadecimals); i++) {
        uint32_t value = REFUSED;
        int r = vfa_parse_hex(hexadecimals[i].text, hexadecimals[i].max, &value);

        CHECK(value == hexadecimals[i].value, "hex '%s'", hexadecimals[i].text);
        CHECK((r == 0) == (hexadecimals[i].value != REFUSED), "hex '%s'", hexadecimals[i].text);
    }
}

/* The results of int(text, 16) in CPython 3.11. */
static const struct {
    const char *text;
    bool fine;
    int32_t value;
} pythons[] = {
    {"8086", true, 0x8086},
    {" 8086\t\n", true, 0x8086},
    {"\u00a08086\u2003", true, 0x8086},
    {"0x_8086", true, 0x8086},
    {"0X8_0_8_6", true, 0x8086},
    {"+1f", true, 0x1f},
    {"-1f", true, -0x1f},
    {"-0", true, 0},
    {"ffffffffffffffffffff", true, VFA_PYTHON_HEX_MAX},
    {"-ffffffffffffffffffff", true, -VFA_PYTHON_HEX_MAX},
    {"", false, 0},
    {" ", false, 0},
    {"+", false, 0},
    {"0x", false, 0},
    {"0x_", false, 0},
    {"_1", false, 0},
    {"1_", false, 0},
    {"1__0", false, 0},
    {"0x__1", false, 0},
    {"- 1", false, 0},
    {"+-1", false, 0},
    {"1 0", false, 0},
    {"*", false, 0},
    {"0x0x1", false, 0},
};

static void test_python(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(pythons); i++) {
        int32_t value = 0;
        int r = vfa_parse_python_hex(pythons[i].text, &value);

        CHECK((r == 0) == pythons[i].fine, "int('%s', 16)", pythons[i].text);
        CHECK(value == pythons[i].value, "int('%s', 16) is %d", pythons[i].text, value);
    }
}

static const struct {
    const char *text;
    int oslo, libvirt; /* -1: refused */
} truths[] = {
    {"yes", 1, 1},      {"no", 0, 0},      {"1", 1, -1},     {"0", 0, -1},   {"t", 1, -1},
    {"f", 0, -1},       {"true", 1, -1},   {"false", 0, -1}, {"on", 1, -1},  {"off", 0, -1},
    {"y", 1, -1},       {"n", 0, -1},      {"TRUE", 1, -1},  {"No", 0, -1},  {" yes ", 1, -1},
    {"\tOFF\n", 0, -1}, {"", -1, -1},      {" ", -1, -1},    {"2", -1, -1},  {"yess", -1, -1},
    {"ye", -1, -1},     {"maybe", -1, -1}, {"o", -1, -1},    {"tr", -1, -1}, {"none", -1, -1},
};

static void test_booleans(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(truths); i++) {
        bool value = false;
        int r = vfa_parse_oslo_bool(truths[i].text, &value);

        CHECK((r < 0 ? -1 : value) == truths[i].oslo, "oslo '%s'", truths[i].text);
        r = vfa_parse_bool(truths[i].text, &value);
        CHECK((r < 0 ? -1 : value) == truths[i].libvirt, "libvirt '%s'", truths[i].text);
    }
}

int main(void)
{
    test_numbers();
    test_python();
    test_booleans();
    return check_result();
}
