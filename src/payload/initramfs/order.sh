# Read by the init of initramfs-tools: has its scripts of the stage before the switch end with ours. The file with their
# order is the base's own, so it is added to rather than replaced.
if [ -d /scripts ]; then
    mkdir -p /scripts/init-bottom
    # shellcheck disable=SC2016 # those names are known there
    echo '/nodebake/copy/copy "$rootmnt" || panic "nodebake: the files were not copied to the root"' >>/scripts/init-bottom/ORDER
fi
