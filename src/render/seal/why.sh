#!/bin/sh
# Says in one sentence why the secrets of this node's payload could not be opened. systemd's own words are in the journal.
say() {
    echo "nodebake: the secrets of this node could not be opened: $1"
    exit 0
}

version=$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
if [ "${version:-255}" -lt 255 ]; then
    say "systemd $version is too old, it must be 255 or newer; boot a newer image."
fi
if [ ! -e /dev/tpmrm0 ]; then
    say "this machine has no TPM 2.0 (/dev/tpmrm0); switch it on in the firmware, or give the virtual machine one."
fi
case $(systemd-analyze has-tpm2 2>/dev/null) in
*-libraries* | *-libtss2*)
    say "systemd finds no TPM libraries; install libtss2-esys, libtss2-mu, libtss2-rc and libtss2-tcti-device in the image."
    ;;
esac
say "they are sealed to another TPM, or this one was cleared; write this machine's public key into tpm of the node, and build again."
