#!/bin/sh
# A sale from the embedded template, with a real login: sale.sh.
exec "$(dirname "$0")/../sale" busybox 160M 128M 1024
