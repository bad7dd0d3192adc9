import CaffeCore
import CaffeErrors
import CaffeKernels

/// The product of an Embed's top with weights, which multiplies each word that occurs once, however often
/// it occurs: x·Wᵀ for the words, then a lookup. On the way back the gradients of a word's rows are summed
/// before they are multiplied.
///
/// The gradient of the top is zero but for the first row of each word, which has that of all its rows:
/// for the Embed the sum is the same, but nobody else may look. A batch in which hardly a word occurs
/// twice is multiplied row by row.
final class EmbeddedProduct: InnerProductOperation {
  private let rows: RepeatedRows
  private let inputs: Int
  private let outputs: Int
  private let rowByRow: any InnerProductOperation
  private let wordByWord: any InnerProductOperation
  /// Of each word that occurs: the input, the output, and their gradients.
  private let (input, output, outputGradient, inputGradient): (Tensor, Tensor, Tensor, Tensor)
  /// The revision of the gradients that `outputGradient` holds the sums of.
  private var summed: Int?

  /// - Parameter make: makes the product of a number of rows.
  init(
    of rows: RepeatedRows, inputs: Int, outputs: Int,
    _ make: (_ rows: Int) throws -> any InnerProductOperation
  ) throws {
    self.rows = rows
    self.inputs = inputs
    self.outputs = outputs
    rowByRow = try make(rows.groups.count)
    wordByWord = try make(rows.capacity)
    input = Tensor(try Shape([rows.capacity, inputs]))
    output = Tensor(try Shape([rows.capacity, outputs]))
    outputGradient = Tensor(output.shape)
    inputGradient = Tensor(input.shape)
  }

  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into output: Tensor) {
    guard let rows = forward(input, weights: weights, bias: bias) else {
      return rowByRow.forward(input, weights: weights, bias: bias, into: output)
    }
    LookupKernel.gather(
      rows.table, indices: rows.indices, count: self.rows.groups.count, width: outputs,
      into: output.overwrite())
  }

  /// The product of each word, and which one a row has; `nil` for a batch that is multiplied row by row.
  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?) -> RowLookup? {
    guard !rows.isTooMany else { return nil }
    LookupKernel.gather(
      input.read(), indices: rows.firstRows.read(), count: rows.capacity, width: inputs,
      into: self.input.overwrite())
    wordByWord.forward(self.input, weights: weights, bias: bias, into: output)
    return RowLookup(output.read(), at: rows.groups.read())
  }

  func backwardData(_ outputGradient: Tensor, weights: Tensor, into inputGradient: Tensor) {
    if rows.isTooMany {
      return rowByRow.backwardData(outputGradient, weights: weights, into: inputGradient)
    }
    sum(outputGradient)
    wordByWord.backwardData(
      self.outputGradient, weights: weights, into: self.inputGradient)
    sumUp(
      self.inputGradient, at: rows.firstRows, count: rows.count, width: inputs, into: inputGradient)
  }

  func backwardWeights(
    _ input: Tensor, outputGradient: Tensor, addingTo weights: Tensor?, bias: Tensor?
  ) {
    if rows.isTooMany {
      return rowByRow.backwardWeights(
        input, outputGradient: outputGradient, addingTo: weights, bias: bias)
    }
    sum(outputGradient)
    wordByWord.backwardWeights(
      self.input, outputGradient: self.outputGradient, addingTo: weights, bias: bias)
  }

  private func sum(_ gradient: Tensor) {
    guard summed != gradient.revision else { return }
    sumUp(
      gradient, at: rows.groups, count: rows.groups.count, width: outputs, into: outputGradient)
    summed = gradient.revision
  }

  /// The transpose of a lookup; rows that no index names are zeros.
  private func sumUp(
    _ gradient: Tensor, at indices: Tensor, count: Int, width: Int, into tableGradient: Tensor
  ) {
    let sums = tableGradient.overwrite()
    Vector.fill(sums, with: 0, count: tableGradient.count)
    LookupKernel.scatterAdd(
      gradient.read(), indices: indices.read(), count: count, rows: tableGradient.count / width,
      width: width, into: sums)
  }
}
