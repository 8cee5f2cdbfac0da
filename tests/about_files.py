"""Tests that have nothing to show on PostgreSQL: by the beginning of their names, and why."""

from __future__ import annotations

DISK = "a disk that is full, a folder that cannot be used"
LOCK = "the lock of a folder"
OLDER = "files that earlier versions have written"
DAMAGE = "damage to a file"
SIZES = "the sizes and ages of files"
GIT = "a folder among those of a project"
FILES = "files that are opened, closed and removed"
COUNTED = "counts the steps that SQLite takes"
AT_ONCE = "what the loop answers itself; who asks PostgreSQL waits beside it"
ABOUT_FILES = {
    "tests/kernel/database/test_directory_lock.py": LOCK,
    "tests/kernel/database/test_doctor.py": "a doctor who is given a folder",
    "tests/kernel/database/test_folding.py": "what SQLite has written ahead is folded back",
    "tests/kernel/database/test_older_worlds.py": OLDER,
    "tests/kernel/database/test_records_evolve.py::test_a_record_without_an_optional_member": OLDER,
    "tests/kernel/database/test_records_evolve.py::test_the_world_has_every_kind_of_record": OLDER,
    "tests/kernel/database/test_worlds_that_go.py": FILES,
    "tests/kernel/tenants/test_memory.py::test_a_world_that_is_changed_by_another_program_is_read_anew": FILES,
    "tests/kernel/tenants/test_tenants.py::test_a_directory_that_is_served_is_refused": LOCK,
    "tests/kernel/tenants/test_tenants.py::test_a_table_made_by_an_older_version": OLDER,
    "tests/kernel/tenants/test_tenants.py::test_a_tenant_may_be_used_by_those_who_have_it_still": FILES,
    "tests/kernel/tenants/test_tenants.py::test_another_process_is_refused_too": LOCK,
    "tests/kernel/tenants/test_tenants.py::test_tenants_that_are_closed_again_leave_no_file_open": FILES,
    "tests/kernel/tenants/test_tenants.py::test_looking_for_what_was_never_written_makes_no_table": (
        "tables that are made with the first row"
    ),
    "tests/control/test_requests.py::test_a_log_of_another_shape_is_begun_anew": OLDER,
    "tests/control/test_snapshots.py::test_a_world_that_nobody_can_read_is_brought_back_by_its_snapshot": DAMAGE,
    "tests/control/test_worlds.py::test_a_deleted_world_is_gone_with_its_files": "the files of a world",
    "tests/control/test_worlds.py::test_a_world_is_told_with_its_size_age_and_objects": SIZES,
    "tests/control/test_worlds.py::test_a_world_that_an_early_version_has_made_is_listed_as_it_is": OLDER,
    "tests/control/test_worlds.py::test_those_changed_last_come_first": SIZES,
    "tests/control/test_worlds.py::test_worlds_are_listed_with_their_size_and_age": SIZES,
    "tests/kernel/wire/test_front.py::test_a_failure_of_ours_is_told_though_no_task_has_met_it": AT_ONCE,
    "tests/kernel/wire/test_front.py::test_what_came_whole_and_can_be_answered_at_once_takes_no_task": AT_ONCE,
    "tests/dashboard/test_signing_in.py::test_a_world_that_cannot_be_read_says_so": DAMAGE,
    "tests/test_architecture.py::test_the_page_names_every_file_that_one_authorization_passes": (
        "the road that the page shows is the one to a file"
    ),
    "tests/test_cli.py::test_a_data_directory_that_a_server_has_is_refused": LOCK,
    "tests/test_cli.py::test_a_data_directory_that_cannot_be_written_is_refused": DISK,
    "tests/test_cli.py::test_a_folder_with_something_else_in_it_is_not_hidden_from_git": GIT,
    "tests/test_cli.py::test_the_data_directory_keeps_itself_out_of_git": GIT,
    "tests/test_cli.py::test_worlds_that_cannot_be_read_do_not_hinder_a_server": DAMAGE,
    "tests/test_clock_is_linear.py::test_twice_as_many_open_objects_cost_the_database_twice_as_much[steps]": COUNTED,
    "tests/test_damaged_worlds.py": DAMAGE,
    "tests/test_doctor.py": "a doctor who is given a folder",
    "tests/test_every_list.py::test_a_page_costs_the_same_however_many_rows_there_are_behind_it": COUNTED,
    "tests/test_full_disks.py": DISK,
    "tests/test_simulation.py": "a server that is killed is a copy of its folder",
}
