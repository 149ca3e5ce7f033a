import { pythonWith } from '@cascata/testing'

/** A Python with the real MLflow client and scikit-learn. */
export const pythonWithMlflow = (): Promise<string> =>
  pythonWith('mlflow', ['mlflow-skinny==3.17.2', 'scikit-learn==1.9.1', 'pandas==3.1.1', 'skops==0.16.0'])
