# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The packages: built from the tarball, checked, and installed into clean systems. Sourced after tiers.sh.

: "${workshop:=}" "${source_tree:=}" # set by build.sh
deb= # the path of the Debian package, after it is built

tier_packages() {
    local build=$workshop/usr-build rpm selinux release
    [ -e "$source_tree/configure" ] || make_configure
    [ "$workshop/destdir" -nt "$source_tree/configure" ] || check "make install DESTDIR" installs_everything
    check "make deb" make_deb
    check "make rpm" make_rpm
    deb=$(echo "$build"/packages/deb/vfalias_*.deb)
    rpm=$(echo "$build"/packages/rpm/RPMS/*/vfalias-[0-9]*.rpm)
    selinux=$(echo "$build"/packages/rpm/RPMS/noarch/vfalias-selinux-*.rpm)
    check "units: exposure, and that systemd understands them" units_hold
    check "SELinux module" selinux_module
    check "both packages are built with what configure asks for" build_dependencies_named
    if [ -e "$deb" ]; then
        check "lintian" lintian --allow-root --display-info --fail-on error,warning,info "$build"/packages/deb/*.changes
        for release in bookworm trixie; do
            check "the package in a clean $release" in_clean_root "$release" deb "$deb"
        done
    fi
    if [ -e "$rpm" ]; then
        check "rpmlint" rpmlint -c packaging/rpm/rpmlint.toml "$build"/packages/rpm/{SRPMS,RPMS/*}/*.rpm \
            "$build/packaging/rpm/vfalias.spec"
        check "the rpm's scriptlets and requirements" rpm_is_right "$rpm" "$selinux"
        check "the rpm in a clean bookworm" in_clean_root bookworm rpm "$rpm" "$selinux"
    fi
}

# The tests of other tiers are not run again here.
make_deb() {
    DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" make -C "$workshop/usr-build" -s deb
}

# --nodeps: on this machine only dpkg knows the build dependencies.
make_rpm() {
    make -C "$workshop/usr-build" -s rpm RPMBUILD_FLAGS="--nodeps --nocheck"
}

# in_clean_root RELEASE deb|rpm PACKAGE [OTHER]: runs tests/packages/deb or rpm in a new system. For the deb, OTHER is
# the same package with a later version.
in_clean_root() {
    local release=$1 kind=$2 package=$3 other=${4:-} shared newer status=0
    shared=$(mktemp -d "$workshop/clean-$release.XXXXXX")
    cp tests/packages/* "$shared"
    cp "$package" "$shared/this.$kind"
    [ -z "$other" ] || cp "$other" "$shared/other.$kind"
    newer=$shared/newer
    dpkg-deb -R "$deb" "$newer" && sed -i '/^Version:/s/$/+newer/' "$newer/DEBIAN/control" &&
        dpkg-deb -b --root-owner-group -Znone "$newer" "$newer.deb" >/dev/null || return 1
    rm -r "$newer"
    "$source_tree/tests/lab/lab" clean "$release" "$(dpkg-deb -f "$deb" Depends), rpm" "$shared" \
        "/shared/$kind" || status=$?
    rm -r "$shared"
    return "$status"
}

# rpm_is_right PACKAGE SELINUX-PACKAGE. The shell of root, whichever it is, runs the scriptlets.
rpm_is_right() {
    local package tag script=$workshop/scriptlet
    for package; do
        for tag in POSTIN PREUN POSTUN POSTTRANS; do
            rpm -qp --queryformat "#!/bin/sh\n%{$tag}\n" "$package" >"$script" || return 1
            sh -n "$script" && shellcheck "$script" || return 1
        done
    done
    rpm -qp --requires "$1" >"$script"
    for tag in libvirt-daemon-driver-qemu 'libvirt\.so\.0()(64bit)' 'libsqlite3\.so\.0()(64bit)' \
        '(vfalias-selinux = .* if selinux-policy-targeted)'; do
        grep -qx "$tag" "$script" || {
            echo "it does not require $tag"
            return 1
        }
    done
}

# Each module of pkg-config that configure.ac names.
build_dependencies_named() {
    local path package module
    local -a modules
    mapfile -t modules < <(sed -n 's/^PKG_CHECK_MODULES(\[[A-Z0-9_]*\], \[\([^ ]*\) .*/\1/p' configure.ac)
    for module in "${modules[@]}"; do
        path=$(pkg-config --variable=pcfiledir "$module")/$module.pc
        package=$(dpkg-query -S "$path" | cut -d: -f1)
        grep -q "^ $package\b" packaging/debian/control || {
            echo "packaging/debian/control lacks $package, for $module"
            return 1
        }
        grep -qF "pkgconfig($module)" packaging/rpm/vfalias.spec.in || {
            echo "packaging/rpm/vfalias.spec.in lacks pkgconfig($module)"
            return 1
        }
    done
}

# Exposure in tenths. The units say what keeps it from being lower. The programs are not installed here.
units_hold() {
    local unit copy=$workshop/units
    mkdir -p "$copy"
    for unit in vfaliasd.service vfalias-vfs.service; do
        systemd-analyze security --offline=true --no-pager --threshold=20 "$workshop/usr-build/conf/$unit" || return 1
        sed -E 's,^(ExecStart=)[^ ]+,\1/bin/true,' "$workshop/usr-build/conf/$unit" >"$copy/$unit" || return 1
    done
    systemd-analyze verify --man=no "$copy"/*.service 2>&1 | tee "$copy/said"
    ! [ -s "$copy/said" ]
}

# The policy compiles, and names each program that libvirt finds in the folders of hooks, also if /usr/sbin is /usr/bin.
selinux_module() {
    local build=$workshop/usr-build link program label
    rm -f "$build/packaging/selinux/vfalias.pp"
    make -C "$build" -s selinux || return 1
    label=$(sed -n 's/\t.*:virt_hook_t:.*//p' packaging/selinux/vfalias.fc)
    for link in "$workshop"/destdir/etc/libvirt/hooks/*.d/vfalias; do
        program=/$(readlink "$link" | sed "s,.*\.\./,,")
        [ "$(printf '%s\n' "$program" "${program/sbin/bin}" | grep -cxE "$label")" = 2 ] || {
            echo "packaging/selinux/vfalias.fc lacks '$program', to which $link leads"
            return 1
        }
    done
}
