#pragma once
#include <hdf5.h>

// HDF5 hides its constants behind macros that first initialise the library, and renames functions
// with macros from version to version. Swift sees neither; these inline functions give them names.

static inline hid_t h5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t h5_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t h5_native_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t h5_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t h5_c_string(void) { return H5T_C_S1; }
static inline size_t h5_variable_size(void) { return H5T_VARIABLE; }

static inline hid_t h5_default(void) { return H5P_DEFAULT; }
static inline hid_t h5_link_access(void) { return H5P_LINK_ACCESS; }
static inline hid_t h5_link_creation(void) { return H5P_LINK_CREATE; }
static inline hid_t h5_dataset_creation(void) { return H5P_DATASET_CREATE; }

static inline hid_t h5_open_for_reading(const char *path) {
  return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
}
static inline hid_t h5_open_for_writing(const char *path, hid_t access) {
  return H5Fopen(path, H5F_ACC_RDWR, access);
}
static inline hsize_t h5_unlimited(void) { return H5S_UNLIMITED; }
static inline hid_t h5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t h5_create_truncating(const char *path, hid_t access) {
  return H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
}

// The error stack of the calling thread.
static inline herr_t h5_get_error_printing(H5E_auto2_t *print, void **context) {
  return H5Eget_auto2(H5E_DEFAULT, print, context);
}
static inline herr_t h5_set_error_printing(H5E_auto2_t print, void *context) {
  return H5Eset_auto2(H5E_DEFAULT, print, context);
}
static inline herr_t h5_clear_errors(void) { return H5Eclear2(H5E_DEFAULT); }
static inline herr_t h5_walk_errors_innermost_first(H5E_walk2_t visit, void *context) {
  return H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, visit, context);
}

typedef enum { h5_link_none, h5_link_here, h5_link_elsewhere } h5_link;

// Where the link `name` leads; every link before it in the path must be there.
static inline h5_link h5_link_kind(hid_t file, const char *name, hid_t access) {
  H5L_info_t info;
  if (H5Lexists(file, name, access) <= 0) return h5_link_none;
  if (H5Lget_info(file, name, &info, access) < 0) return h5_link_none;
  return info.type == H5L_TYPE_HARD || info.type == H5L_TYPE_SOFT ? h5_link_here
                                                                  : h5_link_elsewhere;
}

typedef void (*h5_name_visitor)(const char *name, void *context);
typedef struct {
  h5_name_visitor visit;
  void *context;
} h5_name_visit;

static inline herr_t h5_visit_link(hid_t group, const char *name, const H5L_info_t *info,
                                   void *visit) {
  (void)group;
  (void)info;
  ((h5_name_visit *)visit)->visit(name, ((h5_name_visit *)visit)->context);
  return 0;
}
// Calls `visit` with the name of every link of `group`.
static inline herr_t h5_each_name(hid_t group, h5_name_visitor visit, void *context) {
  h5_name_visit both = {visit, context};
  return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, h5_visit_link, &both);
}
