import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeTestSupport
import Testing

@Suite struct ConvolutionTests {
  /// Filters for another number of channels would be read beyond their end.
  @Test(arguments: ["Convolution", "Deconvolution"])
  func bottomsMustKeepTheChannelsOfTheFilters(type: String) throws {
    let net = try TestNet.make(
      """
      layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
      layer { name: 'c' type: '\(type)' bottom: 'x' top: 'y' convolution_param { num_output: 3 kernel_size: 2 } }
      """)
    net.blob("x")?.reshape([1, 5, 4, 4])
    let message = refusal { try net.reshape() }
    #expect(message.contains("the filters were made for shape"), "\(message)")
    net.blob("x")?.reshape([3, 2, 6, 4])
    try net.forward()
    #expect(net.blob("y")?.shape[0] == 3)
  }
}
