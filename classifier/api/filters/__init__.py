"""What lists can be narrowed by: ids, codes and times. Patients' words have no place in a URL."""
