#!/usr/bin/env bash
# The tests of two machines (tests/crash/test_two_machines.py) over a real NFS export, on a kernel that has NFS.
#
#   sudo PYTHON=.venv/bin/python scripts/nfs_machine.sh [OPTIONS-OF-THE-MOUNT ...]
#
# Needs Debian's packages user-mode-linux, nfs-kernel-server, rpcbind and iproute2: the script starts a Linux kernel as a
# process, which sees the files of this machine, and runs itself in it. There it exports a folder; each machine of the
# tests mounts it through a network link of its own.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ $$ != 1 ]; then
  : "${PYTHON:=$here/.venv/bin/python}" "${MODULES:=$(echo /usr/lib/uml/modules/*)}" "${LD_LIBRARY_PATH:=}"
  [ $# = 0 ] && set -- vers=4.2 vers=3,nolock vers=3,nolock,actimeo=60
  exec linux.uml mem=4G rootfstype=hostfs rw init="$here/scripts/nfs_machine.sh" con=null con0=null,fd:1 \
    "PYTHON=$(realpath -s "$PYTHON")" "MODULES=$MODULES" "WHERE=$PATH" "LIBRARIES=$LD_LIBRARY_PATH" \
    "MOUNTS=$(IFS=:; echo "$*")" </dev/null
fi

export PATH=$WHERE LD_LIBRARY_PATH=$LIBRARIES TMPDIR=/run/tmp HOME=/root OMP_NUM_THREADS=1 LETTEROCR_EXPORT=/run/export
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /dev/shm 2>/dev/null
mkdir -p /run/{tmp,export,rpcbind,lock} /var/lib/nfs/{sm,rpc_pipefs,nfsdcltrack,v4recovery}
touch /var/lib/nfs/{etab,rmtab,xtab}
for module in nfs nfsv3 nfsv4 nfsd veth; do
  for file in $(sed -n "s#^\(kernel/.*/$module.ko\):\(.*\)#\1 \2#p" "$MODULES/modules.dep" | tr ' ' '\n' | tac); do
    insmod "$MODULES/$file" 2>&1 | grep -v "File exists"
  done
done
ip link set lo up
cp /etc/passwd /run/passwd
grep -q ^_rpc: /run/passwd || echo "_rpc:x:199:65534::/run/rpcbind:/usr/sbin/nologin" >>/run/passwd
mount --bind /run/passwd /etc/passwd
mount -t nfsd nfsd /proc/fs/nfsd
echo 10 >/proc/fs/nfsd/nfsv4leasetime
echo 10 >/proc/fs/nfsd/nfsv4gracetime
rpcbind -i
sleep 1
exportfs -o rw,sync,no_root_squash,no_subtree_check,fsid=0,insecure "*:$LETTEROCR_EXPORT" 2>/dev/null
rpc.nfsd 8
rpc.mountd 2>/dev/null
sleep 11 # the server's time of grace
cd "$here"
uname -sr
for options in ${MOUNTS//:/ }; do
  echo "NFS $options"
  LETTEROCR_NFS=$options "$PYTHON" -m pytest -q -s -p no:cacheprovider tests/crash/test_two_machines.py --durations=5
  nfsstat -c 2>/dev/null | head -4
done
echo o >/proc/sysrq-trigger
sleep 5
