"""How a process is: alarms, numbers, the state of its clock, and the two addresses that tell them (R39, R46, R52)."""
