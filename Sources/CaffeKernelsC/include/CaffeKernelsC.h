/// The loops of the CAFFE engine. `ck` stands for CaffeKernels.
///
/// Buffers are dense row-major float32 and counts are elements, unless a comment says otherwise.
/// An output may be the same buffer as an input of an element-wise loop; otherwise buffers do not
/// overlap. Nothing here allocates, fails or keeps state, but the thread count and the chosen ISA.
#pragma once
#include "ck_block.h"
#include "ck_channel.h"
#include "ck_columns.h"
#include "ck_eltwise.h"
#include "ck_lookup.h"
#include "ck_loss.h"
#include "ck_lrn.h"
#include "ck_lrn_packed.h"
#include "ck_lstm.h"
#include "ck_map.h"
#include "ck_normalize.h"
#include "ck_pairs.h"
#include "ck_panels.h"
#include "ck_parallel.h"
#include "ck_pointwise.h"
#include "ck_pool.h"
#include "ck_pool_packed.h"
#include "ck_random.h"
#include "ck_reduce.h"
#include "ck_softmax.h"
#include "ck_update.h"
#include "ck_window.h"
#include "ck_winograd.h"
