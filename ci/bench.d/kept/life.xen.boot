# 1240306565-68473056, 2026-11-21: boot xen
hypervisor,_to_dom0's_first_instruction 375.0
to_dom0's_first_process 5493.3
