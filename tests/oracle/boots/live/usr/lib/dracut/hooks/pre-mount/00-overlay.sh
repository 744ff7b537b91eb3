#!/bin/sh
# The folders that dracut 059 names in a live system's mount of its root, and makes only afterwards.
mkdir -p /run/overlayfs /run/ovlwork
