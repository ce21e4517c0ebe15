"""People: clinics, memberships, invitations, service accounts; who founds a clinic and who leaves one."""
