import CaffeKernelsC

/// Rows of a table, one for each index; the indices are whole numbers stored as floats.
package struct RowLookup {
  package let table: UnsafePointer<Float>
  package let indices: UnsafePointer<Float>

  package init(_ table: UnsafePointer<Float>, at indices: UnsafePointer<Float>) {
    self.table = table
    self.indices = indices
  }
}

/// Rows picked by index: Embed and BatchReindex.
///
/// Indices are whole numbers stored as floats; check them with `Labels.firstInvalid` first.
package enum LookupKernel {
  /// output[i] ← table[indices[i]] (+ bias), rows of `width` values.
  package static func gather(
    _ table: UnsafePointer<Float>, indices: UnsafePointer<Float>, count: Int, width: Int,
    bias: UnsafePointer<Float>? = nil, into output: UnsafeMutablePointer<Float>
  ) {
    ck_gather_rows(table, indices, count, width, bias, output)
  }

  /// tableGradient[indices[i]] ← itself + gradient[i], for a table of `rows` rows.
  package static func scatterAdd(
    _ gradient: UnsafePointer<Float>, indices: UnsafePointer<Float>, count: Int, rows: Int,
    width: Int, into tableGradient: UnsafeMutablePointer<Float>
  ) {
    ck_scatter_add_rows(gradient, indices, count, rows, width, tableGradient)
  }
}

/// The largest channels of each position: ArgMax.
package enum TopKernel {
  /// Finds the `top` largest of the channels of each position, largest first; of equal values the
  /// higher channel comes first, as in Caffe, and NaN after all numbers.
  ///
  /// Entry j of position (o, i) goes to `o · outerStride + j · inner + i` of each output.
  package static func find(
    _ input: UnsafePointer<Float>, _ extents: SoftmaxExtents, top: Int, outerStride: Int,
    indices: UnsafeMutablePointer<Float>?, values: UnsafeMutablePointer<Float>?
  ) {
    precondition(top <= extents.channels, "the top \(top) of \(extents.channels) channels")
    ck_top(
      input, extents.outer, extents.channels, extents.inner, top, outerStride, indices, values)
  }
}

/// Arithmetic on rows of `extent` values, one constant or result per row.
package enum RowKernel {
  /// output[row] ← Σ (a − b)²
  package static func squaredDistances(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, rows: Int, extent: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_reduce_rows(CK_SQUARED_DISTANCE, a, b, rows, extent, 1, output)
  }
}
