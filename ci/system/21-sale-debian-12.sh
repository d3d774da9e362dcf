#!/bin/sh
# A sale from the debian-12 template, with a real login: sale.sh.
exec "$(dirname "$0")/../sale" debian-12 256M 1536M 1536
