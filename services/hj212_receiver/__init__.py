"""Takes the telegrams of HJ 212 monitoring stations and hands their values on as line protocol."""
