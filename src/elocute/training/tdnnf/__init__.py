"""The TDNN-F acoustic model: factored layers on filterbank energies, taught by the phonetic encoder."""
